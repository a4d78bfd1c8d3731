//! Capture by ext-image-copy-capture-v1, wlr-screencopy's successor.
//!
//! A session describes its buffers once and whenever that changes; each picture
//! then needs one question and one answer. From its second picture on, a
//! session waits for damage by itself. Version 1 has no explicit synchronisation:
//! that a DMA-BUF is finished is told by its fence.

use tracing::debug;
use wayland_client::protocol::wl_buffer::WlBuffer;
use wayland_client::protocol::wl_output::WlOutput;
use wayland_client::protocol::wl_registry::WlRegistry;
use wayland_client::{Connection, Dispatch, QueueHandle, WEnum, delegate_noop};
use wayland_protocols::ext::image_capture_source::v1::client::ext_image_capture_source_v1::ExtImageCaptureSourceV1;
use wayland_protocols::ext::image_capture_source::v1::client::ext_output_image_capture_source_manager_v1::ExtOutputImageCaptureSourceManagerV1;
use wayland_protocols::ext::image_copy_capture::v1::client::ext_image_copy_capture_frame_v1::{
    self, ExtImageCopyCaptureFrameV1, FailureReason,
};
use wayland_protocols::ext::image_copy_capture::v1::client::ext_image_copy_capture_manager_v1::{
    ExtImageCopyCaptureManagerV1, Options,
};
use wayland_protocols::ext::image_copy_capture::v1::client::ext_image_copy_capture_session_v1::{
    self, ExtImageCopyCaptureSessionV1,
};

use super::copier::{Copier, DmaBufOffer, Offer, Outcome, Reply};
use super::desktop::DesktopState;
use super::dma_buf::feedback::{self, device_number};
use super::wayland::Globals;
use crate::units::Size;

/// The protocol, bound.
#[derive(Debug)]
pub(crate) struct ImageCopy {
    sources: ExtOutputImageCaptureSourceManagerV1,
    manager: ExtImageCopyCaptureManagerV1,
    session: Option<ExtImageCopyCaptureSessionV1>,
    frame: Option<ExtImageCopyCaptureFrameV1>,
}

impl ImageCopy {
    /// `None` if the compositor does not offer it for outputs.
    pub(crate) fn bind(globals: &Globals, registry: &WlRegistry, handle: &QueueHandle<DesktopState>) -> Option<Self> {
        let sources = globals.bind(registry, handle, VERSION)?;
        let manager = globals.bind(registry, handle, VERSION)?;
        Some(Self { sources, manager, session: None, frame: None })
    }

    fn drop_frame(&mut self) {
        if let Some(frame) = self.frame.take() {
            frame.destroy();
        }
    }
}

impl Copier for ImageCopy {
    fn describe(&mut self, output: &WlOutput, handle: &QueueHandle<DesktopState>) {
        if self.session.is_some() {
            return;
        }
        let source = self.sources.create_source(output, handle, ());
        self.session = Some(self.manager.create_session(&source, Options::PaintCursors, handle, ()));
        source.destroy();
    }

    fn copy(&mut self, buffer: &WlBuffer, size: Size, handle: &QueueHandle<DesktopState>) {
        let Some(session) = &self.session else { return };
        let frame = session.create_frame(handle, ());
        frame.attach_buffer(buffer);
        // Buffers take turns, so none holds the picture before this one.
        let side = |value| i32::try_from(value).unwrap_or(i32::MAX);
        frame.damage_buffer(0, 0, side(size.width), side(size.height));
        frame.capture();
        self.frame = Some(frame);
    }

    fn finish(&mut self, _: Outcome, reply: &mut Reply) {
        self.drop_frame();
        reply.outcome = None;
        reply.presented = None;
        reply.changed = None;
    }

    fn reset(&mut self) {
        self.drop_frame();
        if let Some(session) = self.session.take() {
            session.destroy();
        }
    }
}

impl Drop for ImageCopy {
    fn drop(&mut self) {
        self.reset();
        self.manager.destroy();
        self.sources.destroy();
    }
}

impl Dispatch<ExtImageCopyCaptureSessionV1, ()> for DesktopState {
    fn event(
        state: &mut Self,
        _: &ExtImageCopyCaptureSessionV1,
        event: ext_image_copy_capture_session_v1::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        use ext_image_copy_capture_session_v1::Event;
        let reply = &mut state.reply;
        match event {
            Event::BufferSize { width, height } => {
                begin_description(reply);
                reply.offer.buffer = Some((Size::new(width, height), 0));
            }
            Event::ShmFormat { format } => {
                begin_description(reply);
                reply.offer.formats.push(format);
            }
            Event::DmabufDevice { device } => {
                begin_description(reply);
                reply.offer.device = device_number(&device);
            }
            Event::DmabufFormat { format, modifiers } => {
                begin_description(reply);
                let modifiers = Some(feedback::modifiers(&modifiers));
                reply.offer.dma_bufs.push(DmaBufOffer { fourcc: format, modifiers });
            }
            Event::Done => reply.described = true,
            Event::Stopped => reply.stopped = true,
            _ => {}
        }
    }
}

impl Dispatch<ExtImageCopyCaptureFrameV1, ()> for DesktopState {
    fn event(
        state: &mut Self,
        _: &ExtImageCopyCaptureFrameV1,
        event: ext_image_copy_capture_frame_v1::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        use ext_image_copy_capture_frame_v1::Event;
        let reply = &mut state.reply;
        match event {
            Event::PresentationTime { tv_sec_hi, tv_sec_lo, tv_nsec } => {
                reply.set_presented(tv_sec_hi, tv_sec_lo, tv_nsec);
            }
            Event::Damage { y, height, .. } => reply.add_damage(y.into(), height.into()),
            Event::Ready => reply.outcome = Some(Outcome::Ready),
            Event::Failed { reason } => {
                debug!(?reason, "capture failed");
                reply.outcome = Some(Outcome::Failed);
                reply.stopped |= reason == WEnum::Value(FailureReason::Stopped);
            }
            _ => {}
        }
    }
}

delegate_noop!(DesktopState: ExtOutputImageCaptureSourceManagerV1);
delegate_noop!(DesktopState: ExtImageCaptureSourceV1);
delegate_noop!(DesktopState: ExtImageCopyCaptureManagerV1);

/// The first event after a complete description begins another.
fn begin_description(reply: &mut Reply) {
    if reply.described {
        reply.described = false;
        reply.offer = Offer::default();
    }
}

const VERSION: u32 = 1;
