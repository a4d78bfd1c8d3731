//! What the host remembers over a restart: its identity and its paired clients.
//!
//! Losing either un-pairs every client, so two rules hold. A file is replaced
//! whole or not at all ([`atomic_file`]), and a file that cannot be understood
//! is left as it is and keeps the host from starting ([`versioned_file`]): an
//! operator can bring back a copy, a host that began anew would have
//! overwritten it.

pub mod atomic_file;
pub mod client_preferences;
pub mod kept;
pub mod paired_clients;
pub mod state_dir;
pub mod versioned_file;
