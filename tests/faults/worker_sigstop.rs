//! A worker freezes in mid-stream, as one stuck in a driver does: its heartbeat
//! stands still, it is killed and replaced, and the same client goes on.

use rustix::process::Signal;

use super::worker_sigkill::survives;

#[test]
fn frozen_worker_is_replaced_and_the_client_sees_a_new_idr() {
    survives(Signal::STOP, "none");
}
