//! Whether pictures are captured into DMA-BUFs, and into which.
//!
//! The rule ([`CaptureMemory`]): `auto` does so while the open encoder imports
//! what the compositor has, since only then is anything gained; `dmabuf` always,
//! `shm` never. Whatever stands in the way is a [`Refusal`]: it is logged once, and
//! capture goes on in shared memory for as long as the source is open.
//!
//! ```text
//! compositor ─ formats, device ─▶ feedback ─┐
//!            ─ what it captures ─▶ offer ───┼─▶ choice ─▶ allocator (node, GBM) ─▶ linux_dmabuf
//! encoder    ─ what it imports ─────────────┘
//! ```

mod allocator;
mod choice;
pub mod feedback;
mod linux_dmabuf;
mod node;
mod refusal;

use std::sync::Arc;
use std::time::Instant;

use tracing::{info, warn};
use wayland_client::QueueHandle;
use wayland_client::protocol::wl_registry::WlRegistry;

pub(crate) use allocator::{Allocator, GbmAllocator};
pub(crate) use choice::Choice;
pub(crate) use linux_dmabuf::Told;
pub(crate) use refusal::Refusal;

use crate::stream_plan::CaptureMemory;
use crate::units::Size;
use crate::worker::capture::copier::Offer;
use crate::worker::capture::desktop::DesktopState;
use crate::worker::capture::wayland::{ANSWER_DEADLINE, Globals};
use crate::worker::dma_buffer::DmaBuffer;
use crate::worker::imports::Imports;
use feedback::Formats;
use linux_dmabuf::LinuxDmabuf;

/// The way through DMA-BUFs, of one connection to a compositor.
#[derive(Debug)]
pub(crate) struct DmaBufs {
    rule: CaptureMemory,
    imports: Arc<Imports>,
    allocator: Box<dyn Allocator>,
    standing: Standing,
    bound: Option<Bound>,
}

/// The protocol, once it was needed.
#[derive(Debug)]
struct Bound {
    /// `None` if the compositor lacks it.
    protocol: Option<LinuxDmabuf>,
    since: Instant,
    /// Answered when everything has been told, in versions that do not say so.
    ticket: u32,
}

/// Whether it works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// As far as anybody knows; so many copies in a row have failed.
    Good { failures: u32 },
    /// Copies fail: shared memory is tried, to see whether it is the DMA-BUFs'
    /// fault or the output's.
    Suspected,
    /// It does not.
    Refused,
}

/// What a [`DmaBufs::choose`] came to.
#[derive(Debug)]
pub(crate) enum Chosen {
    /// Capture into these.
    This(Choice),
    /// The compositor has yet to tell.
    Later,
}

impl DmaBufs {
    /// Nothing is known yet.
    pub(crate) fn new(rule: CaptureMemory, imports: Arc<Imports>, allocator: Box<dyn Allocator>) -> Self {
        Self { rule, imports, allocator, standing: Standing::Good { failures: 0 }, bound: None }
    }

    /// The same for another connection, with nothing left to try.
    pub(crate) fn given_up(self, refusal: &Refusal) -> Self {
        let mut other = Self { bound: None, ..self };
        other.refuse(refusal);
        other
    }

    /// Whether the next picture shall be in one.
    pub(crate) fn is_wanted(&self) -> bool {
        let ruled = match self.rule {
            CaptureMemory::Shm => false,
            CaptureMemory::Auto => self.imports.get().is_some_and(|imports| imports.fenced),
            CaptureMemory::DmaBuf => true,
        };
        ruled && matches!(self.standing, Standing::Good { .. })
    }

    /// Whether the compositor has been told anything that it may not like.
    pub(crate) const fn is_bound(&self) -> bool {
        self.bound.is_some()
    }

    /// Why shared memory is used, for the log.
    pub(crate) const fn why_not(&self) -> &'static str {
        match (self.standing, self.rule) {
            (Standing::Refused, _) => "DMA-BUFs were refused, see above",
            (Standing::Suspected, _) => "copies into DMA-BUFs failed",
            (_, CaptureMemory::Shm) => "video.capture is \"shm\"",
            (_, _) => "the encoder does not import DMA-BUFs",
        }
    }

    /// Begins to learn what the compositor has. `sync` asks it for a sign of life
    /// after that, and returns the ticket.
    pub(crate) fn bind(
        &mut self,
        state: &mut DesktopState,
        registry: &WlRegistry,
        handle: &QueueHandle<DesktopState>,
        sync: impl FnOnce(&mut DesktopState) -> u32,
    ) {
        let protocol = LinuxDmabuf::bind(&state.globals, registry, handle);
        self.bound = Some(Bound { protocol, since: Instant::now(), ticket: sync(state) });
    }

    /// What to capture into, or why not.
    pub(crate) fn choose(&self, offer: &Offer, told: &mut Told, globals: &Globals) -> Result<Chosen, Refusal> {
        let Some(bound) = &self.bound else { return Ok(Chosen::Later) };
        let Some(protocol) = &bound.protocol else { return Err(Refusal::NotOffered) };
        if told.feedback.formats().is_none() && !protocol.says_done() && globals.has_answered(bound.ticket) {
            told.feedback.done();
        }
        let Some(formats) = told.feedback.formats() else {
            let silent = bound.since.elapsed() > ANSWER_DEADLINE;
            return if silent { Err(Refusal::Silent(ANSWER_DEADLINE)) } else { Ok(Chosen::Later) };
        };
        let formats = formats.as_ref().map_err(|error| *error)?;
        let choice = self.choice(offer, formats)?;
        Ok(Chosen::This(choice))
    }

    fn choice(&self, offer: &Offer, formats: &Formats) -> Result<Choice, Refusal> {
        let of_encoder = self.imports.get();
        let device = device(offer, formats);
        let elsewhere = of_encoder.and_then(|imports| imports.device).zip(device);
        let same_device = elsewhere.is_none_or(|(one, other)| node::is_same(one, other));
        let common =
            if same_device { choice::choose(&offer.dma_bufs, formats, of_encoder) } else { Err(Refusal::OtherDevice) };
        match (common, self.rule) {
            // An encoder that cannot import them reads them.
            (Err(Refusal::OtherDevice | Refusal::NoModifier { .. }), CaptureMemory::DmaBuf) if of_encoder.is_some() => {
                choice::choose(&offer.dma_bufs, formats, None)
            }
            (common, _) => common,
        }
    }

    /// Allocates a buffer and shows it to the compositor, whose answer comes as
    /// [`Told::made`].
    pub(crate) fn make(
        &mut self,
        choice: &Choice,
        size: Size,
        offer: &Offer,
        told: &Told,
        handle: &QueueHandle<DesktopState>,
    ) -> Result<DmaBuffer, Refusal> {
        let formats = told.feedback.formats().and_then(|formats| formats.as_ref().ok());
        let device = formats.and_then(|formats| device(offer, formats));
        let buffer = self.allocator.allocate(device, size, choice)?;
        let protocol = self.bound.as_ref().and_then(|bound| bound.protocol.as_ref()).ok_or(Refusal::NotOffered)?;
        protocol.create(&buffer, handle);
        Ok(buffer)
    }

    /// Goes on without, and says why.
    pub(crate) fn refuse(&mut self, reason: &Refusal) {
        self.standing = Standing::Refused;
        if self.rule == CaptureMemory::DmaBuf {
            warn!(%reason, "capturing into shared memory");
        } else {
            info!(%reason, "capturing into shared memory");
        }
    }

    /// A copy into a DMA-BUF was made or failed.
    pub(crate) const fn copied(&mut self, well: bool) {
        if let Standing::Good { failures } = self.standing {
            self.standing = match (well, failures + 1) {
                (true, _) => Standing::Good { failures: 0 },
                (false, FAILURES..) => Standing::Suspected,
                (false, failures) => Standing::Good { failures },
            };
        }
    }

    /// A copy into shared memory was made or failed.
    pub(crate) fn copied_to_shared_memory(&mut self, well: bool) {
        match (self.standing, well) {
            (Standing::Suspected, true) => self.refuse(&Refusal::CopyFails),
            // The output's fault: it is off, or changes.
            (Standing::Suspected, false) => self.standing = Standing::Good { failures: 0 },
            _ => {}
        }
    }
}

/// A capture session's own device counts more than that of buffers in general.
fn device(offer: &Offer, formats: &Formats) -> Option<u64> {
    offer.device.or(formats.device)
}

/// Copies that fail in a row until shared memory is tried. One or two do when an
/// output changes its mode.
const FAILURES: u32 = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker::imports::Importable;

    fn dma_bufs(rule: CaptureMemory, imports: &Arc<Imports>) -> DmaBufs {
        DmaBufs::new(rule, Arc::clone(imports), Box::<GbmAllocator>::default())
    }

    #[test]
    fn the_rule_follows_what_the_open_encoder_imports() {
        let imports = Arc::new(Imports::new());
        let wanted = || {
            [CaptureMemory::Shm, CaptureMemory::Auto, CaptureMemory::DmaBuf]
                .map(|rule| dma_bufs(rule, &imports).is_wanted())
        };
        assert_eq!(wanted(), [false, false, true]);
        imports.tell(Importable { device: None, formats: Vec::new(), fenced: true });
        assert_eq!(wanted(), [false, true, true]);
        let given_up = dma_bufs(CaptureMemory::DmaBuf, &imports).given_up(&Refusal::CopyFails);
        assert!(!given_up.is_wanted());
    }

    #[test]
    fn copies_that_fail_are_held_against_dma_bufs_only_if_shared_memory_works() {
        let mut dma_bufs = dma_bufs(CaptureMemory::DmaBuf, &Arc::default());
        let fail = |dma_bufs: &mut DmaBufs| (0..FAILURES).for_each(|_| dma_bufs.copied(false));
        dma_bufs.copied(false);
        dma_bufs.copied(false);
        dma_bufs.copied(true);
        dma_bufs.copied(false);
        assert!(dma_bufs.is_wanted(), "never three in a row");
        fail(&mut dma_bufs);
        assert!(!dma_bufs.is_wanted());
        dma_bufs.copied_to_shared_memory(false);
        assert!(dma_bufs.is_wanted(), "the output was off");
        fail(&mut dma_bufs);
        dma_bufs.copied_to_shared_memory(true);
        dma_bufs.copied_to_shared_memory(false);
        assert!(!dma_bufs.is_wanted(), "shared memory works");
    }

    #[test]
    fn an_encoder_on_another_device_reads_what_it_cannot_import_if_told_so() {
        let xr24 = u32::from_le_bytes(*b"XR24");
        let imports = Arc::new(Imports::new());
        imports.tell(Importable { device: Some(u64::MAX), formats: vec![(xr24, 0)], fenced: true });
        let offer = Offer {
            dma_bufs: vec![crate::worker::capture::copier::DmaBufOffer { fourcc: xr24, modifiers: None }],
            ..Offer::default()
        };
        let formats = Formats { device: Some(3), pairs: vec![(xr24, 0)] };
        let choice = |rule| dma_bufs(rule, &imports).choice(&offer, &formats);
        assert!(matches!(choice(CaptureMemory::Auto), Err(Refusal::OtherDevice)));
        assert_eq!(choice(CaptureMemory::DmaBuf).unwrap().modifiers, [0]);
    }
}
