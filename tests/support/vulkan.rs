//! Vulkan on the machine that tests run on: on its CPU, if need be.

use earthshine_ffi::vulkan::{Instance, PhysicalDevice, Selection};

use super::skip::skip;

/// The best device; `None`, said loudly, where there is none.
pub(crate) fn device() -> Option<PhysicalDevice> {
    let device = Instance::open().and_then(|instance| instance.device(Selection::Any));
    device.inspect_err(|error| skip(&format!("a Vulkan device ({error})"))).ok()
}
