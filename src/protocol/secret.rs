//! Key material that never shows up in a log and is wiped when dropped.

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Has types print as their names alone.
macro_rules! debug_without_secrets {
    ($($secret:ident),*) => {$(
        impl std::fmt::Debug for $secret {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($secret), "(..)"))
            }
        }
    )*};
}

pub(crate) use debug_without_secrets;

/// `rikey`: the AES-128 key of one launch or resume. RTSP, control and video
/// (GCM) and audio (CBC) share it, each with IVs of its own.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop, Serialize, Deserialize)]
pub struct SessionKey([u8; 16]);

impl SessionKey {
    /// From the 16 bytes of the `rikey` parameter.
    #[must_use]
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes, for a cipher.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

debug_without_secrets!(SessionKey);
