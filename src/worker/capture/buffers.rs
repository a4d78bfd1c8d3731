//! The buffers that a compositor draws pictures into.
//!
//! They are DMA-BUFs where those are wanted and work, and shared memory elsewhere. What the
//! compositor offers decides how they look; when it offers something else, new ones replace them.

use std::sync::Arc;

use tracing::info;
use wayland_client::QueueHandle;
use wayland_client::protocol::wl_buffer::WlBuffer;
use wayland_client::protocol::wl_registry::WlRegistry;
use wayland_client::protocol::wl_shm::WlShm;

use super::buffer_pool::{BufferPool, Memory, PoolBuffer};
use super::copier::Offer;
use super::desktop::DesktopState;
use super::dma_buf::{Choice, Chosen, DmaBufs, Refusal};
use super::error::CaptureError;
use super::shm_buffer::{self, Layout};
use super::wayland::Wayland;
use crate::units::Size;
use crate::worker::dma_buffer::DmaBuffer;
use crate::worker::frame::{PixelFormat, Pixels};

/// Makes them and keeps them.
#[derive(Debug)]
pub(super) struct Buffers {
    shm: WlShm,
    /// `None` only while it moves to another connection.
    dma_bufs: Option<DmaBufs>,
    pool: Option<Pool>,
}

/// Buffers that fit what the compositor offers.
#[derive(Debug)]
pub(super) struct Pool {
    pub(super) buffers: BufferPool,
    pub(super) size: Size,
    kind: Kind,
    /// What was offered when it was made.
    offer: Offer,
}

#[derive(Debug)]
enum Kind {
    Shared(Layout),
    DmaBuf(Choice),
}

/// A picture in a buffer, for who reads it.
pub(super) struct Leased {
    pub(super) pixels: Pixels,
    pub(super) size: Size,
    /// Bytes from one row to the next.
    pub(super) stride: usize,
    pub(super) format: PixelFormat,
}

impl Buffers {
    /// None are made before the compositor has offered something.
    pub(super) const fn new(shm: WlShm, dma_bufs: DmaBufs) -> Self {
        Self { shm, dma_bufs: Some(dma_bufs), pool: None }
    }

    /// The pool for what the compositor offers; one for something else makes way.
    /// `None` if it has to be waited for what the compositor has to say.
    pub(super) fn fitting_pool(
        &mut self,
        state: &mut DesktopState,
        registry: &WlRegistry,
        wayland: &Wayland<DesktopState>,
    ) -> Result<Option<&mut Pool>, CaptureError> {
        let offer = &state.reply.offer;
        let wants_dma_bufs = self.dma_bufs.as_ref().is_some_and(DmaBufs::is_wanted);
        let fits = |pool: &Pool| pool.offer == *offer && wants_dma_bufs == matches!(pool.kind, Kind::DmaBuf(_));
        if !self.pool.as_ref().is_some_and(fits) {
            self.pool = None;
            let offer = offer.clone();
            let chosen = if wants_dma_bufs { self.choose_dma_bufs(&offer, state, registry, wayland)? } else { None };
            let kind = match chosen {
                Some(Chosen::Later) => return Ok(None),
                Some(Chosen::This(choice)) => Kind::DmaBuf(choice),
                None => self.choose_shared_memory(&offer)?,
            };
            self.pool = Some(Pool::new(kind, offer));
        }
        Ok(self.pool.as_mut())
    }

    /// `None` if shared memory has to do.
    fn choose_dma_bufs(
        &mut self,
        offer: &Offer,
        state: &mut DesktopState,
        registry: &WlRegistry,
        wayland: &Wayland<DesktopState>,
    ) -> Result<Option<Chosen>, CaptureError> {
        // The limits of a picture's size are the same.
        shm_buffer::check(offer.size(), 0)?;
        let Some(dma_bufs) = &mut self.dma_bufs else { return Ok(None) };
        if !dma_bufs.is_bound() {
            dma_bufs.bind(state, registry, &wayland.handle(), |state| wayland.sync(state));
        }
        let DesktopState { told, globals, .. } = state;
        match dma_bufs.choose(offer, told, globals) {
            Ok(chosen) => Ok(Some(chosen)),
            Err(refusal) => {
                dma_bufs.refuse(&refusal);
                Ok(None)
            }
        }
    }

    fn choose_shared_memory(&self, offer: &Offer) -> Result<Kind, CaptureError> {
        let (size, stride) = (offer.size(), offer.buffer.map_or(0, |(_, stride)| stride));
        let layout = Layout::negotiate(size, stride, &offer.formats)?;
        let reason = self.dma_bufs.as_ref().map_or("", DmaBufs::why_not);
        info!(%size, pixels = ?layout.pixels, reason, "capture buffers in shared memory");
        Ok(Kind::Shared(layout))
    }

    /// Makes one for the pool; returns a DMA-BUF that the compositor has to import first.
    pub(super) fn make(
        &mut self,
        state: &DesktopState,
        handle: &QueueHandle<DesktopState>,
    ) -> Result<Option<Arc<DmaBuffer>>, CaptureError> {
        let Some(pool) = &mut self.pool else { return Ok(None) };
        let choice = match &pool.kind {
            Kind::Shared(layout) => {
                let (shown, bytes) = shm_buffer::make(*layout, &self.shm, handle).map_err(CaptureError::Memory)?;
                pool.buffers.add(shown, Memory::Shared(Arc::new(bytes)));
                return Ok(None);
            }
            Kind::DmaBuf(choice) => choice,
        };
        let Some(dma_bufs) = &mut self.dma_bufs else { return Ok(None) };
        match dma_bufs.make(choice, pool.size, &pool.offer, &state.told, handle) {
            Ok(buffer) => Ok(Some(Arc::new(buffer))),
            Err(refusal) => {
                dma_bufs.refuse(&refusal);
                Ok(None)
            }
        }
    }

    /// The compositor has imported it.
    pub(super) fn add(&mut self, shown: WlBuffer, buffer: Arc<DmaBuffer>) {
        if let Some(pool) = &mut self.pool {
            pool.buffers.add(shown, Memory::DmaBuf(buffer));
        }
    }

    /// Goes on without DMA-BUFs.
    pub(super) fn refuse(&mut self, refusal: &Refusal) {
        if let Some(dma_bufs) = &mut self.dma_bufs {
            dma_bufs.refuse(refusal);
        }
    }

    /// A copy into one was made or failed.
    pub(super) fn count_copy(&mut self, well: bool) {
        let (Some(pool), Some(dma_bufs)) = (&self.pool, &mut self.dma_bufs) else { return };
        match pool.kind {
            Kind::DmaBuf(_) => dma_bufs.copied(well),
            Kind::Shared(_) => dma_bufs.copied_to_shared_memory(well),
        }
    }

    /// Lends what was drawn; it comes back to the pool. `None` if there is no pool any more.
    pub(super) fn lease(&self, buffer: PoolBuffer) -> Option<Leased> {
        let pool = self.pool.as_ref()?;
        let (stride, format) = match (&pool.kind, &buffer.memory) {
            (Kind::Shared(layout), _) => (layout.stride as usize, layout.pixels),
            (Kind::DmaBuf(choice), Memory::DmaBuf(memory)) => {
                (memory.planes().first().map_or(0, |plane| plane.stride as usize), choice.pixels)
            }
            (Kind::DmaBuf(choice), Memory::Shared(_)) => (0, choice.pixels),
        };
        Some(Leased { pixels: pool.buffers.lease(buffer), size: pool.size, stride, format })
    }

    /// Whether the compositor was told of DMA-BUFs, and the next picture shall be in one.
    pub(super) fn tries_dma_bufs(&self) -> bool {
        self.dma_bufs.as_ref().is_some_and(|dma_bufs| dma_bufs.is_bound() && dma_bufs.is_wanted())
    }

    /// What is known of DMA-BUFs, for another connection that does without.
    pub(super) fn give_up_dma_bufs(&mut self, refusal: &Refusal) -> Option<DmaBufs> {
        Some(self.dma_bufs.take()?.given_up(refusal))
    }
}

impl Pool {
    fn new(kind: Kind, offer: Offer) -> Self {
        let size = offer.size();
        let most = match &kind {
            Kind::Shared(_) => SHARED_BUFFERS,
            Kind::DmaBuf(choice) => {
                info!(%size, pixels = ?choice.pixels, "capture buffers in DMA-BUFs");
                DMA_BUFS
            }
        };
        Self { buffers: BufferPool::new(most), size, kind, offer }
    }
}

/// See `buffer_pool.rs`.
const SHARED_BUFFERS: usize = 2;
pub(super) const DMA_BUFS: usize = 3;
