//! The other client: it must be able to start after every fault.

use crate::support::client::{Device, Wanted};
use crate::support::host::Host;

/// Pairs a new device, streams the test card for a moment, quits.
///
/// # Panics
/// If any of it fails.
pub(crate) fn another_client_can_start(host: &Host) {
    let device = Device::paired(host, "bystander");
    let mut stream = device.stream(&Wanted::app("Test card"));
    stream.wait_frames(10);
    stream.quit();
}
