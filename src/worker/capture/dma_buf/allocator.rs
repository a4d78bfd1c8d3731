//! Memory of the compositor's device.

use std::fmt::Debug;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use earthshine_ffi::gbm::{self, GbmError, Layout, MODIFIER_INVALID, MODIFIER_LINEAR, Wanted};
use rustix::fs::{Mode, OFlags};
use tracing::info;

use super::choice::Choice;
use super::node;
use super::refusal::{AllocateError, Refusal};
use crate::units::Size;
use crate::worker::dma_buffer::DmaBuffer;

/// Where buffers come from.
pub(crate) trait Allocator: Debug {
    /// A buffer of the device with that number, or of the only one there is.
    fn allocate(&mut self, device: Option<u64>, size: Size, choice: &Choice) -> Result<DmaBuffer, Refusal>;
}

/// The real one.
#[derive(Debug, Default)]
pub(crate) struct GbmAllocator {
    /// Instead of the compositor's.
    configured: Option<PathBuf>,
    /// Where the compositor should be, if it does not say where it is.
    placed: Option<PathBuf>,
    /// The node that gave memory.
    open: Option<(PathBuf, gbm::Device)>,
}

impl GbmAllocator {
    /// Uses `configured` instead of what compositors name, and `placed` if they name
    /// nothing.
    pub(crate) const fn new(configured: Option<PathBuf>, placed: Option<PathBuf>) -> Self {
        Self { configured, placed, open: None }
    }

    fn node(&self, device: Option<u64>) -> Result<PathBuf, Refusal> {
        match (&self.configured, device) {
            (Some(path), _) => Ok(path.clone()),
            (None, Some(device)) => node::of(device).ok_or(Refusal::NoNode),
            (None, None) => node::of_the_only_gpu().or_else(|| self.placed.clone()).ok_or(Refusal::WhichDevice),
        }
    }
}

impl Allocator for GbmAllocator {
    fn allocate(&mut self, device: Option<u64>, size: Size, choice: &Choice) -> Result<DmaBuffer, Refusal> {
        let node = self.node(device)?;
        let failed = |error| Refusal::NoMemory { node: node.clone(), error };
        if let Some((_, open)) = self.open.as_ref().filter(|(of, _)| *of == node) {
            return allocate(open, size, choice).map_err(failed).and_then(|buffer| check(buffer, choice));
        }
        let open = open(&node).map_err(failed)?;
        let buffer = allocate(&open, size, choice).map_err(failed)?;
        info!(node = %node.display(), backend = open.backend(), ?buffer, "capture device");
        self.open = Some((node, open));
        check(buffer, choice)
    }
}

fn open(path: &Path) -> Result<gbm::Device, AllocateError> {
    let node: OwnedFd = rustix::fs::open(path, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())
        .map_err(|error| AllocateError::Open(error.into()))?;
    Ok(gbm::Device::open(node)?)
}

/// Modifiers first; then, for drivers that know none, rows, which they can be told
/// by a flag; then whatever the driver likes, if the compositor takes that.
fn allocate(device: &gbm::Device, size: Size, choice: &Choice) -> Result<DmaBuffer, AllocateError> {
    let linear = choice.modifiers.contains(&MODIFIER_LINEAR);
    let ways = [
        (!choice.modifiers.is_empty()).then_some(Layout::Modifiers(&choice.modifiers)),
        linear.then_some(Layout::Linear),
        choice.implicit.then_some(Layout::Implicit),
    ];
    let mut failure = None;
    for layout in ways.into_iter().flatten() {
        let wanted = Wanted { width: size.width, height: size.height, fourcc: choice.fourcc, layout };
        match device.allocate(&wanted).and_then(|memory| describe(memory, layout, size, choice.fourcc)) {
            Ok(buffer) => return Ok(buffer),
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    let nothing = || GbmError { call: "gbm_bo_create", error: std::io::ErrorKind::Unsupported.into() };
    Err(failure.unwrap_or_else(nothing).into())
}

/// Names the modifier that the compositor knows: of memory without one it knows
/// only that, even where the driver would tell.
fn describe(memory: gbm::Buffer, layout: Layout<'_>, size: Size, fourcc: u32) -> Result<DmaBuffer, GbmError> {
    let modifier = match layout {
        Layout::Modifiers(_) => memory.modifier(),
        Layout::Linear => MODIFIER_LINEAR,
        Layout::Implicit => MODIFIER_INVALID,
    };
    DmaBuffer::of(memory, size, fourcc, modifier)
}

/// A driver that does what was not asked would end the connection: compositors
/// answer that by a protocol error.
fn check(buffer: DmaBuffer, choice: &Choice) -> Result<DmaBuffer, Refusal> {
    let modifier = buffer.modifier();
    let is_asked = choice.modifiers.contains(&modifier) || (choice.implicit && modifier == MODIFIER_INVALID);
    if is_asked { Ok(buffer) } else { Err(Refusal::Modifier { modifier }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker::frame::PixelFormat;

    fn choice() -> Choice {
        let fourcc = u32::from_le_bytes(*b"XR24");
        Choice { fourcc, pixels: PixelFormat::Bgrx, modifiers: vec![MODIFIER_LINEAR], implicit: true }
    }

    #[test]
    fn a_device_that_is_not_here_is_refused_with_what_to_do() {
        let size = Size::new(64, 64);
        let error = GbmAllocator::new(None, None).allocate(Some(u64::MAX), size, &choice()).unwrap_err();
        assert!(matches!(error, Refusal::NoNode), "{error}");
        let missing = Some(PathBuf::from("/nonexistent/renderD128"));
        let error = GbmAllocator::new(missing, None).allocate(Some(1), size, &choice()).unwrap_err();
        assert!(error.to_string().contains("/nonexistent/renderD128: No such file"), "{error}");
        // Libraries take it for a device, or do not; memory it has none.
        let error = GbmAllocator::new(Some("/dev/null".into()), None).allocate(None, size, &choice()).unwrap_err();
        assert!(matches!(&error, Refusal::NoMemory { .. }), "{error}");
    }

    #[test]
    fn a_modifier_that_was_not_asked_for_never_reaches_the_compositor() {
        let buffer = |modifier| DmaBuffer::from_planes(Vec::new(), Size::new(64, 64), choice().fourcc, modifier);
        assert!(check(buffer(MODIFIER_LINEAR), &choice()).is_ok());
        assert!(check(buffer(MODIFIER_INVALID), &choice()).is_ok());
        assert!(matches!(check(buffer(5), &choice()), Err(Refusal::Modifier { modifier: 5 })));
        let explicit = Choice { implicit: false, ..choice() };
        assert!(check(buffer(MODIFIER_INVALID), &explicit).is_err());
    }
}
