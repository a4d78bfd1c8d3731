//! Encrypted RTSP framing (`rtspenc://`).
//!
//! One frame per direction and TCP connection: a big-endian word with bit 31
//! set and the ciphertext's length, a big-endian sequence number, the GCM tag
//! and the ciphertext of the whole message. The key is `rikey`; IVs differ from
//! those of other streams by their last two bytes (moonlight-common-c
//! `RtspConnection.c`, `sealRtspMessage`; test vectors `crypto.json` and
//! `session_av1_enc.json`).

use std::fmt;

use aes_gcm::aead::KeyInit;
use aes_gcm::{AeadInOut, Aes128Gcm, Nonce, Tag};

use crate::protocol::bytes::{Reader, Truncated, Writer};
use crate::protocol::rtsp::message::REQUEST_LIMIT;
use crate::protocol::secret::SessionKey;
use crate::protocol::side::Side;

/// Opens the peer's frames and seals ours, for the connections of one
/// handshake. Never two of them with one key: the counter would start again.
pub struct RtspSealer {
    cipher: Aes128Gcm,
    side: Side,
    last_opened: u32,
    next_sealed: u32,
}

/// What came of bytes from a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opened {
    /// More bytes are needed.
    Incomplete,
    /// One message, and how many bytes its frame took.
    Complete {
        /// The decrypted message.
        plain: Vec<u8>,
        /// Bytes from the front that belong to the frame.
        consumed: usize,
    },
}

/// A frame that is not for this key, or not for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Bit 31 is clear: somebody speaks plain RTSP.
    #[error("not encrypted")]
    NotEncrypted,
    /// Longer than any request.
    #[error("frame of {len} bytes, at most {REQUEST_LIMIT} are read")]
    TooLong {
        /// Length of the ciphertext in bytes.
        len: usize,
    },
    /// Wrong key or changed bytes.
    #[error("frame {sequence} does not authenticate")]
    Forged {
        /// Sequence number it claims.
        sequence: u32,
    },
    /// A sequence number not above the last one.
    #[error("frame {sequence} replays, {last} was seen")]
    Replayed {
        /// Sequence number of the frame.
        sequence: u32,
        /// Highest number that was accepted.
        last: u32,
    },
}

/// Nothing can be sealed any more without repeating an IV.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("all sequence numbers of this key are used")]
pub struct SequenceExhausted;

impl RtspSealer {
    /// For one handshake.
    #[must_use]
    pub fn new(key: &SessionKey, side: Side) -> Self {
        Self { cipher: Aes128Gcm::new(key.bytes().into()), side, last_opened: 0, next_sealed: 1 }
    }

    /// Opens the frame at the front of `bytes`. After an error nothing has
    /// changed, so a server may try the keys of several pending clients.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(&mut self, bytes: &[u8]) -> Result<Opened, OpenError> {
        if bytes.first().is_some_and(|byte| byte & 0x80 == 0) {
            return Err(OpenError::NotEncrypted);
        }
        let Ok(frame) = Frame::read(bytes) else {
            return Ok(Opened::Incomplete);
        };
        if frame.len > REQUEST_LIMIT {
            return Err(OpenError::TooLong { len: frame.len });
        }
        let Some(ciphertext) = frame.rest.get(..frame.len) else {
            return Ok(Opened::Incomplete);
        };
        let plain = self.decrypt(frame.sequence, &frame.tag, ciphertext)?;
        if frame.sequence <= self.last_opened {
            return Err(OpenError::Replayed { sequence: frame.sequence, last: self.last_opened });
        }
        self.last_opened = frame.sequence;
        Ok(Opened::Complete { plain, consumed: HEADER_LEN + frame.len })
    }

    /// Seals one message as a frame.
    ///
    /// # Errors
    /// [`SequenceExhausted`] after four billion messages.
    pub fn seal(&mut self, plain: &[u8]) -> Result<Vec<u8>, SequenceExhausted> {
        let sequence = self.next_sealed;
        self.next_sealed = sequence.checked_add(1).ok_or(SequenceExhausted)?;
        let mut ciphertext = plain.to_vec();
        let tag = self
            .cipher
            .encrypt_inout_detached(&iv(sequence, self.side), &[], ciphertext.as_mut_slice().into())
            .map_err(|_| SequenceExhausted)?;
        let len = u32::try_from(plain.len()).map_err(|_| SequenceExhausted)?;
        let mut frame = Vec::with_capacity(HEADER_LEN + plain.len());
        Writer::new(&mut frame).u32_be(ENCRYPTED | len).u32_be(sequence).bytes(&tag).bytes(&ciphertext);
        Ok(frame)
    }

    fn decrypt(&self, sequence: u32, tag: &[u8; 16], ciphertext: &[u8]) -> Result<Vec<u8>, OpenError> {
        let mut plain = ciphertext.to_vec();
        self.cipher
            .decrypt_inout_detached(&iv(sequence, self.side.peer()), &[], plain.as_mut_slice().into(), &Tag::from(*tag))
            .map_err(|_| OpenError::Forged { sequence })?;
        Ok(plain)
    }
}

impl fmt::Debug for RtspSealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RtspSealer")
            .field("side", &self.side)
            .field("last_opened", &self.last_opened)
            .field("next_sealed", &self.next_sealed)
            .finish_non_exhaustive()
    }
}

/// A frame's header and what follows it.
struct Frame<'a> {
    len: usize,
    sequence: u32,
    tag: [u8; 16],
    rest: &'a [u8],
}

impl<'a> Frame<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, Truncated> {
        let mut reader = Reader::new(bytes);
        let len = reader.u32_be()? & !ENCRYPTED;
        let sequence = reader.u32_be()?;
        let tag = reader.array()?;
        Ok(Self { len: usize::try_from(len).unwrap_or(usize::MAX), sequence, tag, rest: reader.rest() })
    }
}

fn iv(sequence: u32, sender: Side) -> Nonce<aes_gcm::aead::consts::U12> {
    let mut iv = [0; 12];
    iv[..4].copy_from_slice(&sequence.to_le_bytes());
    iv[10] = sender.iv_letter();
    iv[11] = b'R';
    Nonce::from(iv)
}

/// Length word, sequence number, tag.
const HEADER_LEN: usize = 24;
/// Bit 31 of the length word.
const ENCRYPTED: u32 = 1 << 31;

#[cfg(test)]
mod tests {
    use super::*;

    fn ends() -> (RtspSealer, RtspSealer) {
        let key = SessionKey::new([7; 16]);
        (RtspSealer::new(&key, Side::Client), RtspSealer::new(&key, Side::Host))
    }

    #[test]
    fn what_one_end_seals_the_other_opens() {
        let (mut client, mut host) = ends();
        let frame = client.seal(b"OPTIONS").unwrap();
        for len in 0..frame.len() {
            assert_eq!(host.open(&frame[..len]), Ok(Opened::Incomplete), "{len}");
        }
        assert_eq!(host.open(&frame), Ok(Opened::Complete { plain: b"OPTIONS".to_vec(), consumed: frame.len() }));
        let answer = host.seal(b"RTSP/1.0").unwrap();
        assert!(matches!(client.open(&answer), Ok(Opened::Complete { .. })));
    }

    #[test]
    fn a_replayed_frame_is_refused() {
        let (mut client, mut host) = ends();
        let first = client.seal(b"a").unwrap();
        let second = client.seal(b"b").unwrap();
        host.open(&second).unwrap();
        assert_eq!(host.open(&second), Err(OpenError::Replayed { sequence: 2, last: 2 }));
        assert_eq!(host.open(&first), Err(OpenError::Replayed { sequence: 1, last: 2 }));
    }

    #[test]
    fn changed_bytes_and_other_keys_do_not_open() {
        let (mut client, mut host) = ends();
        let good = client.seal(b"text").unwrap();
        for at in 4..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert!(matches!(host.open(&bad), Err(OpenError::Forged { .. })), "{at}");
        }
        let mut stranger = RtspSealer::new(&SessionKey::new([8; 16]), Side::Host);
        assert_eq!(stranger.open(&good), Err(OpenError::Forged { sequence: 1 }));
        assert!(host.open(&good).is_ok(), "failed attempts change nothing");
    }

    #[test]
    fn plain_text_and_huge_frames_are_refused_early() {
        let (_, mut host) = ends();
        assert_eq!(host.open(b"O"), Err(OpenError::NotEncrypted));
        assert_eq!(host.open(&[0xff; 24]), Err(OpenError::TooLong { len: 0x7fff_ffff }));
    }

    #[test]
    fn the_counter_never_starts_again() {
        let (mut client, _) = ends();
        client.next_sealed = u32::MAX;
        assert_eq!(client.seal(b"x"), Err(SequenceExhausted));
    }
}
