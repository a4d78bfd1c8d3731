//! The two hashes that prove knowledge of the PIN.
//!
//! Each end commits to its secret before it sees the other's, bound to the
//! signature of its own certificate, so that a certificate put in between is
//! found out.

use subtle::ConstantTimeEq;

use crate::protocol::pairing::certificate::Certificate;
use crate::protocol::pairing::pin_key::HashKind;

/// What the host answers to the client's challenge.
#[must_use]
pub fn host_proof(hash: HashKind, client_challenge: &[u8], host: &Certificate, host_secret: &[u8; 16]) -> Vec<u8> {
    hash.digest(&[client_challenge, host.signature(), host_secret])
}

/// What the client must have committed to.
#[must_use]
pub fn client_proof(hash: HashKind, host_challenge: &[u8; 16], client: &Certificate, client_secret: &[u8]) -> Vec<u8> {
    hash.digest(&[host_challenge, client.signature(), client_secret])
}

/// Compares without telling by its duration where the first difference is.
#[must_use]
pub fn same(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}
