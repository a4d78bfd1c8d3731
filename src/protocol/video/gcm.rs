//! AES-128-GCM by the library that is fastest on this CPU.
//!
//! aws-lc uses the wide AES instructions where there is AVX-512 (Ice Lake, Zen 4 and
//! later); ring, whose code is BoringSSL's, uses them with AVX2 as well (Alder Lake,
//! Zen 3), where it takes little more than half the time (`benches/seal.rs`). Both
//! make the same bytes. Of the two, aws-lc is taken wherever it is not known to be
//! slower: it does the host's TLS too.

use std::fmt;

use aws_lc_rs::aead as aws_lc;
use ring::aead as ring;

use crate::protocol::secret::SessionKey;

/// A key that seals. Each IV may be used once.
pub(super) struct SealingKey(Library);

enum Library {
    AwsLc(Box<aws_lc::LessSafeKey>),
    Ring(Box<ring::LessSafeKey>),
}

impl SealingKey {
    /// For the fastest library.
    pub(super) fn new(key: &SessionKey) -> Self {
        if ring_is_faster() { Self::of_ring(key) } else { Self::of_aws_lc(key) }
    }

    fn of_aws_lc(key: &SessionKey) -> Self {
        let key = aws_lc::UnboundKey::new(&aws_lc::AES_128_GCM, key.bytes()).expect(KEY_LENGTH);
        Self(Library::AwsLc(Box::new(aws_lc::LessSafeKey::new(key))))
    }

    fn of_ring(key: &SessionKey) -> Self {
        let key = ring::UnboundKey::new(&ring::AES_128_GCM, key.bytes()).expect(KEY_LENGTH);
        Self(Library::Ring(Box::new(ring::LessSafeKey::new(key))))
    }

    /// Encrypts in place and returns the tag; `None` for more than GCM takes (64 GiB).
    pub(super) fn seal(&self, iv: [u8; 12], packet: &mut [u8]) -> Option<[u8; TAG_LEN]> {
        match &self.0 {
            Library::AwsLc(key) => {
                let iv = aws_lc::Nonce::assume_unique_for_key(iv);
                let tag = key.seal_in_place_separate_tag(iv, aws_lc::Aad::empty(), packet).ok()?;
                tag.as_ref().try_into().ok()
            }
            Library::Ring(key) => {
                let iv = ring::Nonce::assume_unique_for_key(iv);
                let tag = key.seal_in_place_separate_tag(iv, ring::Aad::empty(), packet).ok()?;
                tag.as_ref().try_into().ok()
            }
        }
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Library::AwsLc(_) => "SealingKey(aws-lc, ..)",
            Library::Ring(_) => "SealingKey(ring, ..)",
        })
    }
}

/// Wide AES, but no AVX-512.
#[cfg(target_arch = "x86_64")]
fn ring_is_faster() -> bool {
    is_x86_feature_detected!("vaes")
        && is_x86_feature_detected!("vpclmulqdq")
        && is_x86_feature_detected!("avx2")
        && !is_x86_feature_detected!("avx512f")
}

#[cfg(not(target_arch = "x86_64"))]
fn ring_is_faster() -> bool {
    false
}

/// Bytes of a tag.
pub(super) const TAG_LEN: usize = 16;

const KEY_LENGTH: &str = "AES-128 keys have 16 bytes, as this one";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_libraries_make_the_same_bytes() {
        let key = SessionKey::new(*b"0123456789abcdef");
        let (aws_lc, ring) = (SealingKey::of_aws_lc(&key), SealingKey::of_ring(&key));
        for len in (0..300).chain([1360, 1376, 9000]) {
            let text: Vec<u8> = (0..len).map(|at: usize| at.to_le_bytes()[0]).collect();
            let (mut one, mut other) = (text.clone(), text);
            let iv = std::array::from_fn(|at| len.to_le_bytes()[at % 2]);
            assert_eq!(aws_lc.seal(iv, &mut one), ring.seal(iv, &mut other));
            assert_eq!(one, other, "{len} bytes");
        }
    }

    #[test]
    fn debug_shows_no_key() {
        let key = SessionKey::new(*b"0123456789abcdef");
        assert_eq!(format!("{:?}", SealingKey::of_ring(&key)), "SealingKey(ring, ..)");
        assert_eq!(format!("{:?}", SealingKey::of_aws_lc(&key)), "SealingKey(aws-lc, ..)");
    }
}
