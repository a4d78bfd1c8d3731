//! Pairing: a PIN that the user carries from one screen to another makes two
//! machines trust each other's certificates.
//!
//! Four requests over plain HTTP, then one over HTTPS (moonlight-qt
//! `nvpairingmanager.cpp`; test vectors `pairing.json`). [`handshake`] has one
//! type per step, so that steps out of order do not compile, and a failed step
//! leaves nothing to try again with.

pub mod certificate;
pub mod client_handshake;
pub mod handshake;
pub mod pin_key;
pub mod proofs;
pub mod request;
