//! Starting workers, watching them, killing what hangs, starting the next.

pub(crate) mod evidence;
pub(crate) mod held_input;
pub(crate) mod helper_process;
pub(crate) mod quarantine;
pub(crate) mod restart;
pub(crate) mod scheduling;
pub(crate) mod watchdog;
pub(crate) mod worker_link;
pub(crate) mod worker_process;
