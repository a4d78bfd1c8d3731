//! linux-dmabuf-v1: how a compositor hears of a DMA-BUF.
//!
//! Buffers are made by `create` and not by `create_immed`: a compositor that
//! cannot import one of the latter may end the connection, of the former it says
//! `failed`. It costs one round trip per buffer, of which there are three.

use std::os::fd::AsFd;

use wayland_client::protocol::wl_buffer::WlBuffer;
use wayland_client::protocol::wl_registry::WlRegistry;
use wayland_client::{Connection, Dispatch, Proxy, QueueHandle, event_created_child};
use wayland_protocols::wp::linux_dmabuf::zv1::client::zwp_linux_buffer_params_v1::{
    self, EVT_CREATED_OPCODE, Flags, ZwpLinuxBufferParamsV1,
};
use wayland_protocols::wp::linux_dmabuf::zv1::client::zwp_linux_dmabuf_feedback_v1::{self, ZwpLinuxDmabufFeedbackV1};
use wayland_protocols::wp::linux_dmabuf::zv1::client::zwp_linux_dmabuf_v1::{self, ZwpLinuxDmabufV1};

use super::feedback::Feedback;
use crate::worker::capture::desktop::DesktopState;
use crate::worker::capture::wayland::Globals;
use crate::worker::dma_buffer::DmaBuffer;

/// The protocol, bound.
#[derive(Debug)]
pub(crate) struct LinuxDmabuf {
    protocol: ZwpLinuxDmabufV1,
    feedback: Option<ZwpLinuxDmabufFeedbackV1>,
}

/// What the compositor has told.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// About formats and devices.
    pub(crate) feedback: Feedback,
    /// About the newest buffer, by its number: how it is to be named, or that it
    /// cannot be imported.
    pub(crate) made: Option<(u64, Option<WlBuffer>)>,
}

impl LinuxDmabuf {
    /// `None` if the compositor does not offer it. What it has to tell follows.
    pub(crate) fn bind(globals: &Globals, registry: &WlRegistry, handle: &QueueHandle<DesktopState>) -> Option<Self> {
        let protocol: ZwpLinuxDmabufV1 = globals.bind(registry, handle, VERSION)?;
        let feedback = (protocol.version() >= FEEDBACK_SINCE).then(|| protocol.get_default_feedback(handle, ()));
        Some(Self { protocol, feedback })
    }

    /// Whether the compositor says when it has told everything; else it has when
    /// it has answered what was asked after [`LinuxDmabuf::bind`].
    pub(crate) const fn says_done(&self) -> bool {
        self.feedback.is_some()
    }

    /// Shows a buffer to the compositor; the answer is [`Told::made`].
    pub(crate) fn create(&self, buffer: &DmaBuffer, handle: &QueueHandle<DesktopState>) {
        let params = self.protocol.create_params(handle, buffer.number());
        let modifier = buffer.modifier().to_be_bytes();
        let [a, b, c, d, e, f, g, h] = modifier;
        let (high, low) = (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]));
        for (index, plane) in (0..).zip(buffer.planes()) {
            params.add(plane.fd.as_fd(), index, plane.offset, plane.stride, high, low);
        }
        // Sizes have been checked to be far smaller.
        let side = |side: u32| i32::try_from(side).unwrap_or(i32::MAX);
        let size = buffer.size();
        params.create(side(size.width), side(size.height), buffer.fourcc(), Flags::empty());
    }
}

impl Drop for LinuxDmabuf {
    fn drop(&mut self) {
        if let Some(feedback) = &self.feedback {
            feedback.destroy();
        }
        self.protocol.destroy();
    }
}

impl Dispatch<ZwpLinuxDmabufV1, ()> for DesktopState {
    fn event(
        state: &mut Self,
        protocol: &ZwpLinuxDmabufV1,
        event: zwp_linux_dmabuf_v1::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        use zwp_linux_dmabuf_v1::Event;
        let feedback = &mut state.told.feedback;
        match event {
            // From version 3 on, modifiers say all of it.
            Event::Format { format } if protocol.version() < MODIFIERS_SINCE => feedback.format(format),
            Event::Modifier { format, modifier_hi, modifier_lo } => {
                feedback.modifier(format, u64::from(modifier_hi) << 32 | u64::from(modifier_lo));
            }
            _ => {}
        }
    }
}

impl Dispatch<ZwpLinuxDmabufFeedbackV1, ()> for DesktopState {
    fn event(
        state: &mut Self,
        _: &ZwpLinuxDmabufFeedbackV1,
        event: zwp_linux_dmabuf_feedback_v1::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        use zwp_linux_dmabuf_feedback_v1::Event;
        let feedback = &mut state.told.feedback;
        match event {
            Event::FormatTable { fd, size } => feedback.read_table(fd, size),
            Event::MainDevice { device } => feedback.main_device(&device),
            Event::TrancheTargetDevice { device } => feedback.tranche_device(&device),
            Event::TrancheFormats { indices } => feedback.tranche_formats(&indices),
            Event::TrancheDone => feedback.tranche_done(),
            Event::Done => feedback.done(),
            _ => {}
        }
    }
}

impl Dispatch<ZwpLinuxBufferParamsV1, u64> for DesktopState {
    fn event(
        state: &mut Self,
        params: &ZwpLinuxBufferParamsV1,
        event: zwp_linux_buffer_params_v1::Event,
        number: &u64,
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        use zwp_linux_buffer_params_v1::Event;
        let shown = match event {
            Event::Created { buffer } => Some(buffer),
            Event::Failed => None,
            _ => return,
        };
        params.destroy();
        // One that nobody waits for any more.
        if let Some((_, Some(late))) = state.told.made.replace((*number, shown)) {
            late.destroy();
        }
    }

    event_created_child!(DesktopState, ZwpLinuxBufferParamsV1, [EVT_CREATED_OPCODE => (WlBuffer, ())]);
}

/// The newest that changes anything for us.
const VERSION: u32 = 4;
const MODIFIERS_SINCE: u32 = 3;
const FEEDBACK_SINCE: u32 = 4;
