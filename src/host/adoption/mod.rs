//! A host that starts after a killed one goes on with what still lives.
//!
//! Every session and lobby writes down what it is, whenever that changes
//! ([`record_file`]); every desktop does so too (`desktop.json`). At the start
//! all of it is read ([`inventory`]): what is whole and runs still is adopted,
//! the rest is cleaned up. Between two hosts the [`keeper`] holds what only a
//! living process can hold, and ends everything if no host comes.

pub(crate) mod inventory;
pub(crate) mod keeper;
pub(crate) mod lobby_state;
pub(crate) mod record_file;
pub(crate) mod session_state;
