//! Capture by wlr-screencopy-unstable-v1, which every wlroots compositor has.
//!
//! Each picture is an object of its own: it describes the buffer, is told to
//! copy, and is destroyed. From version 2 it can wait for damage, of which it
//! then tells, from 3 it says when its description is complete, and offers DMA-BUFs.
//! It has no explicit synchronisation: `ready` says that the copy was handed to
//! the device, and the buffer's fence when it is done.

use tracing::debug;
use wayland_client::protocol::wl_buffer::WlBuffer;
use wayland_client::protocol::wl_output::WlOutput;
use wayland_client::protocol::wl_registry::WlRegistry;
use wayland_client::{Connection, Dispatch, Proxy, QueueHandle, WEnum, delegate_noop};
use wayland_protocols_wlr::screencopy::v1::client::zwlr_screencopy_frame_v1::{self, Flags, ZwlrScreencopyFrameV1};
use wayland_protocols_wlr::screencopy::v1::client::zwlr_screencopy_manager_v1::ZwlrScreencopyManagerV1;

use super::copier::{Copier, DmaBufOffer, Outcome, Reply};
use super::desktop::DesktopState;
use super::wayland::Globals;
use crate::units::Size;

/// The protocol, bound.
#[derive(Debug)]
pub(crate) struct Screencopy {
    manager: ZwlrScreencopyManagerV1,
    frame: Option<ZwlrScreencopyFrameV1>,
    /// A first picture was copied; wait for damage from now on.
    begun: bool,
}

impl Screencopy {
    /// `None` if the compositor does not offer it.
    pub(crate) fn bind(globals: &Globals, registry: &WlRegistry, handle: &QueueHandle<DesktopState>) -> Option<Self> {
        let manager = globals.bind(registry, handle, VERSION)?;
        Some(Self { manager, frame: None, begun: false })
    }

    fn drop_frame(&mut self) {
        if let Some(frame) = self.frame.take() {
            frame.destroy();
        }
    }
}

impl Copier for Screencopy {
    fn describe(&mut self, output: &WlOutput, handle: &QueueHandle<DesktopState>) {
        self.frame = Some(self.manager.capture_output(WITH_CURSOR, output, handle, ()));
    }

    fn copy(&mut self, buffer: &WlBuffer, _: Size, _: &QueueHandle<DesktopState>) {
        let Some(frame) = &self.frame else { return };
        if self.begun && frame.version() >= DAMAGE_SINCE {
            frame.copy_with_damage(buffer);
        } else {
            frame.copy(buffer);
        }
    }

    fn finish(&mut self, outcome: Outcome, reply: &mut Reply) {
        self.drop_frame();
        self.begun = outcome == Outcome::Ready;
        *reply = Reply::default();
    }

    fn reset(&mut self) {
        self.drop_frame();
        self.begun = false;
    }
}

impl Drop for Screencopy {
    fn drop(&mut self) {
        self.drop_frame();
        self.manager.destroy();
    }
}

impl Dispatch<ZwlrScreencopyFrameV1, ()> for DesktopState {
    fn event(
        state: &mut Self,
        frame: &ZwlrScreencopyFrameV1,
        event: zwlr_screencopy_frame_v1::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        use zwlr_screencopy_frame_v1::Event;
        let reply = &mut state.reply;
        match event {
            Event::Buffer { format, width, height, stride } => {
                reply.offer.buffer = Some((Size::new(width, height), stride));
                reply.offer.formats.push(format);
                reply.described = frame.version() < DONE_SINCE;
            }
            Event::LinuxDmabuf { format, width, height } => {
                reply.offer.buffer.get_or_insert((Size::new(width, height), 0));
                reply.offer.dma_bufs.push(DmaBufOffer { fourcc: format, modifiers: None });
            }
            Event::BufferDone => reply.described = true,
            Event::Damage { y, height, .. } => reply.add_damage(y.into(), height.into()),
            Event::Flags { flags: WEnum::Value(flags) } => reply.bottom_up = flags.contains(Flags::YInvert),
            Event::Ready { tv_sec_hi, tv_sec_lo, tv_nsec } => {
                reply.set_presented(tv_sec_hi, tv_sec_lo, tv_nsec);
                reply.outcome = Some(Outcome::Ready);
            }
            Event::Failed => {
                debug!("capture failed");
                reply.outcome = Some(Outcome::Failed);
            }
            _ => {}
        }
    }
}

delegate_noop!(DesktopState: ZwlrScreencopyManagerV1);

const VERSION: u32 = 3;
const DAMAGE_SINCE: u32 = 2;
const DONE_SINCE: u32 = 3;

/// `overlay_cursor`: compositors draw the pointer into the picture.
const WITH_CURSOR: i32 = 1;
