//! Faults: after each, no process, socket, descriptor, directory or thread is
//! too many, and other clients can start. Each scenario breaks one thing and
//! looks from outside.

#[path = "../support/mod.rs"]
mod support;

mod app_exits;
mod bystander;
mod canary_hangs;
mod client_vanishes;
mod compositor_killed;
mod compositor_sigstop;
mod encode_thread_hangs;
mod garbage_on_every_port;
mod half_open_tls;
mod host_sigkill_and_restart;
mod lobby_desktop_dies;
mod no_capacity;
mod sound_server_killed;
mod worker_sigkill;
mod worker_sigstop;
