//! AES-128-GCM for video packets.
//!
//! Each sealed datagram begins with 32 bytes: IV (12), frame number (4, little
//! endian, a hint by which the client drops late packets unread), tag (16). The
//! client takes the IV as it is (moonlight-common-c `VideoStream.c`,
//! `ENC_VIDEO_HEADER`), so its make-up is ours: a packet counter, the worker's
//! generation, and `V`. RTSP and control, which share the key, differ in bytes
//! 10 and 11 of theirs. A worker that replaces a dead one has another
//! generation, so an IV repeats under no circumstance even if the counter does.

use std::fmt;

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

use crate::ids::Generation;
use crate::protocol::secret::{SessionKey, debug_without_secrets};
use crate::protocol::video::gcm::SealingKey;
use crate::units::FrameIndex;

/// Bytes in front of a sealed packet.
pub const SEAL_LEN: usize = 32;

/// Seals packets in place, each under an IV of its own.
pub struct VideoSealer {
    key: SealingKey,
    generation: Generation,
    next: u64,
}

impl VideoSealer {
    /// Continues from packet counter `next`.
    #[must_use]
    pub fn new(key: &SessionKey, generation: Generation, next: u64) -> Self {
        Self { key: SealingKey::new(key), generation, next }
    }

    /// The counter of the next packet.
    #[must_use]
    pub const fn next(&self) -> u64 {
        self.next
    }

    /// Encrypts `datagram` behind its first [`SEAL_LEN`] bytes and fills these in.
    ///
    /// # Errors
    /// [`SealError`] if the datagram has no room for the prefix.
    pub fn seal(&mut self, frame_index: FrameIndex, datagram: &mut [u8]) -> Result<(), SealError> {
        let have = datagram.len();
        let (prefix, packet) = datagram.split_at_mut_checked(SEAL_LEN).ok_or(SealError { have })?;
        let iv = iv(self.next, self.generation);
        self.next += 1;
        let tag = self.key.seal(iv, packet).ok_or(SealError { have })?;
        prefix[..12].copy_from_slice(&iv);
        prefix[12..16].copy_from_slice(&frame_index.0.to_le_bytes());
        prefix[16..].copy_from_slice(&tag);
        Ok(())
    }
}

impl fmt::Debug for VideoSealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VideoSealer").field("generation", &self.generation).field("next", &self.next).finish()
    }
}

/// A datagram that cannot be sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a datagram of {have} bytes has no room for the {SEAL_LEN} bytes of a seal")]
pub struct SealError {
    /// Bytes of the datagram.
    pub have: usize,
}

/// Opens sealed datagrams as a client does: for tests and the load generator.
pub struct VideoOpener {
    key: LessSafeKey,
}

impl VideoOpener {
    /// With the key of the connection.
    #[must_use]
    pub fn new(key: &SessionKey) -> Self {
        Self { key: opening_key(key) }
    }

    /// Decrypts in place and returns the packet; `None` if it was not sealed under
    /// this key.
    pub fn open<'a>(&self, datagram: &'a mut [u8]) -> Option<&'a mut [u8]> {
        let (prefix, packet) = datagram.split_at_mut_checked(SEAL_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(&prefix[..12]).ok()?;
        self.key.open_in_place_separate_tag(nonce, Aad::empty(), &prefix[16..], packet).ok()?;
        Some(packet)
    }
}

debug_without_secrets!(VideoOpener);

fn opening_key(key: &SessionKey) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_128_GCM, key.bytes()).expect("AES-128 keys have 16 bytes, as this one"))
}

fn iv(counter: u64, generation: Generation) -> [u8; 12] {
    let mut iv = [0; 12];
    iv[..8].copy_from_slice(&counter.to_le_bytes());
    iv[8] = generation.0;
    iv[11] = b'V';
    iv
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: SessionKey = SessionKey::new([7; 16]);

    fn sealed(sealer: &mut VideoSealer, text: &[u8]) -> Vec<u8> {
        let mut datagram = vec![0; SEAL_LEN];
        datagram.extend(text);
        sealer.seal(FrameIndex(3), &mut datagram).unwrap();
        datagram
    }

    #[test]
    fn what_was_sealed_opens_and_what_was_changed_does_not() {
        let mut datagram = sealed(&mut VideoSealer::new(&KEY, Generation(0), 0), b"a packet");
        let mut changed = datagram.clone();
        changed[SEAL_LEN] ^= 1;
        let opener = VideoOpener::new(&KEY);
        assert_eq!(opener.open(&mut datagram).unwrap(), b"a packet");
        assert!(opener.open(&mut changed).is_none());
        assert!(opener.open(&mut [0; 31]).is_none());
    }

    #[test]
    fn a_new_worker_repeats_no_iv_even_with_an_old_counter() {
        let mut first = VideoSealer::new(&KEY, Generation(0), 5);
        let mut second = VideoSealer::new(&KEY, Generation(1), 5);
        let (a, b, c) = (sealed(&mut first, b"x"), sealed(&mut first, b"x"), sealed(&mut second, b"x"));
        assert_eq!(a[..12], [5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, b'V']);
        assert_eq!(b[..12], [6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, b'V']);
        assert_eq!(c[..12], [5, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, b'V']);
        assert_eq!(first.next(), 7);
    }

    #[test]
    fn debug_shows_no_key() {
        let text = format!("{:?}", VideoSealer::new(&KEY, Generation(0), 0));
        assert_eq!(text, "VideoSealer { generation: Generation(0), next: 0 }");
    }
}
