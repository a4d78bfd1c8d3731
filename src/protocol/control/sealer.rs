//! Encryption of control messages.
//!
//! `0x0001`, length, sequence number (all little-endian), GCM tag, ciphertext
//! (moonlight-common-c `ControlStream.c`, `encryptControlMessage`; test vectors
//! `crypto.json`). Two schemes differ in the IV:
//!
//! * V2: 12 bytes of sequence number, sender and stream. Safe.
//! * Legacy: 16 bytes, of which one is the low byte of the sequence number and
//!   the rest are 0, the same for both directions. IVs repeat, and the upper
//!   bytes of the sequence number are not authenticated at all: anybody could
//!   push a replay window to its end with a captured packet. So there is none.
//!   Only for clients that know nothing better.

use std::fmt;

use aes_gcm::aead::KeyInit;
use aes_gcm::aead::consts::U16;
use aes_gcm::aes::Aes128;
use aes_gcm::{AeadInOut, Aes128Gcm, AesGcm, Nonce, Tag};
use serde::{Deserialize, Serialize};

use crate::protocol::bytes::{Reader, Truncated, Writer};
use crate::protocol::control::message::kind;
use crate::protocol::control::replay_window::ReplayWindow;
use crate::protocol::secret::SessionKey;
use crate::protocol::side::Side;

/// How the IV is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// The client announced `encryptionEnabled` bit 0.
    V2,
    /// It did not.
    Legacy,
}

/// Opens the peer's messages and seals ours. One per connection: the sequence
/// number starts at 0.
pub struct ControlSealer {
    cipher: Cipher,
    side: Side,
    sequences: Sequences,
}

/// Which sequence numbers were used, in both directions. Not secret.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Sequences {
    seen: ReplayWindow,
    next_sealed: u32,
}

enum Cipher {
    V2(Box<Aes128Gcm>),
    Legacy(Box<AesGcm<Aes128, U16>>),
}

/// A packet that is not a sealed message of the peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Shorter than a header.
    #[error("control packet {0}")]
    Truncated(#[from] Truncated),
    /// Plain, where everything is sealed.
    #[error("control packet of type {kind:#06x} is not encrypted")]
    NotEncrypted {
        /// Its type.
        kind: u16,
    },
    /// The length field is not the length.
    #[error("control packet says {said} bytes, has {have}")]
    WrongLength {
        /// Length field.
        said: u16,
        /// Bytes after it.
        have: usize,
    },
    /// Wrong key or changed bytes.
    #[error("control packet {sequence} does not authenticate")]
    Forged {
        /// Sequence number it claims.
        sequence: u32,
    },
    /// Seen before, or too old to tell.
    #[error("control packet {sequence} replays")]
    Replayed {
        /// Its sequence number.
        sequence: u32,
    },
}

/// Why a message was not sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Another message would repeat an IV.
    #[error("all sequence numbers of this key are used")]
    SequenceExhausted,
    /// The length field has 16 bits.
    #[error("message of {len} bytes is too long")]
    TooLong {
        /// Its length in bytes.
        len: usize,
    },
}

impl ControlSealer {
    /// For one connection.
    #[must_use]
    pub fn new(key: &SessionKey, scheme: Scheme, side: Side) -> Self {
        let key = key.bytes().into();
        let cipher = match scheme {
            Scheme::V2 => Cipher::V2(Box::new(KeyInit::new(key))),
            Scheme::Legacy => Cipher::Legacy(Box::new(KeyInit::new(key))),
        };
        Self { cipher, side, sequences: Sequences::default() }
    }

    /// Goes on with a connection of another process, which may have sealed a few
    /// messages more than it could tell: their numbers are left out.
    #[must_use]
    pub fn resume(key: &SessionKey, scheme: Scheme, side: Side, mut sequences: Sequences) -> Self {
        sequences.next_sealed = sequences.next_sealed.saturating_add(SAFE_STEP);
        Self { sequences, ..Self::new(key, scheme, side) }
    }

    /// Which numbers were used, for [`resume`](Self::resume) in another process.
    #[must_use]
    pub const fn sequences(&self) -> &Sequences {
        &self.sequences
    }

    /// Opens one packet. After an error nothing has changed.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(&mut self, packet: &[u8]) -> Result<Vec<u8>, OpenError> {
        let mut reader = Reader::new(packet);
        let kind = reader.u16_le()?;
        if kind != kind::SEALED {
            return Err(OpenError::NotEncrypted { kind });
        }
        let said = reader.u16_le()?;
        if usize::from(said) != reader.rest().len() {
            return Err(OpenError::WrongLength { said, have: reader.rest().len() });
        }
        let sequence = reader.u32_le()?;
        let tag = Tag::from(reader.array::<16>()?);
        let replay_safe = matches!(self.cipher, Cipher::V2(_));
        if replay_safe && !self.sequences.seen.is_new(sequence) {
            return Err(OpenError::Replayed { sequence });
        }
        let mut text = reader.rest().to_vec();
        self.cipher.open(sequence, self.side.peer(), &mut text, &tag).map_err(|_| OpenError::Forged { sequence })?;
        if replay_safe {
            self.sequences.seen.accept(sequence);
        }
        Ok(text)
    }

    /// Seals one message.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn seal(&mut self, message: &[u8]) -> Result<Vec<u8>, SealError> {
        let too_long = SealError::TooLong { len: message.len() };
        let len = u16::try_from(message.len() + OVERHEAD).map_err(|_| too_long)?;
        let sequence = self.sequences.next_sealed;
        self.sequences.next_sealed = sequence.checked_add(1).ok_or(SealError::SequenceExhausted)?;
        let mut text = message.to_vec();
        let tag = self.cipher.seal(sequence, self.side, &mut text).map_err(|_| too_long)?;
        let mut packet = Vec::with_capacity(4 + OVERHEAD + text.len());
        Writer::new(&mut packet).u16_le(kind::SEALED).u16_le(len).u32_le(sequence).bytes(&tag).bytes(&text);
        Ok(packet)
    }
}

impl Cipher {
    fn open(&self, sequence: u32, sender: Side, text: &mut [u8], tag: &Tag) -> Result<(), aes_gcm::Error> {
        match self {
            Self::V2(cipher) => cipher.decrypt_inout_detached(&v2_iv(sequence, sender), &[], text.into(), tag),
            Self::Legacy(cipher) => cipher.decrypt_inout_detached(&legacy_iv(sequence), &[], text.into(), tag),
        }
    }

    fn seal(&self, sequence: u32, sender: Side, text: &mut [u8]) -> Result<Tag, aes_gcm::Error> {
        match self {
            Self::V2(cipher) => cipher.encrypt_inout_detached(&v2_iv(sequence, sender), &[], text.into()),
            Self::Legacy(cipher) => cipher.encrypt_inout_detached(&legacy_iv(sequence), &[], text.into()),
        }
    }
}

impl fmt::Debug for ControlSealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.cipher {
            Cipher::V2(_) => Scheme::V2,
            Cipher::Legacy(_) => Scheme::Legacy,
        };
        f.debug_struct("ControlSealer")
            .field("scheme", &scheme)
            .field("side", &self.side)
            .field("next_sealed", &self.sequences.next_sealed)
            .finish_non_exhaustive()
    }
}

fn v2_iv(sequence: u32, sender: Side) -> Nonce<aes_gcm::aead::consts::U12> {
    let mut iv = [0; 12];
    iv[..4].copy_from_slice(&sequence.to_le_bytes());
    iv[10] = sender.iv_letter();
    iv[11] = b'C';
    Nonce::from(iv)
}

fn legacy_iv(sequence: u32) -> Nonce<U16> {
    let mut iv = [0; 16];
    iv[0] = sequence.to_le_bytes()[0];
    Nonce::from(iv)
}

/// Sequence number and tag, which the length field counts.
const OVERHEAD: usize = 20;

/// Sequence numbers that another process leaves out.
const SAFE_STEP: u32 = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(scheme: Scheme) -> (ControlSealer, ControlSealer) {
        let key = SessionKey::new([3; 16]);
        (ControlSealer::new(&key, scheme, Side::Client), ControlSealer::new(&key, scheme, Side::Host))
    }

    #[test]
    fn what_one_end_seals_the_other_opens() {
        for scheme in [Scheme::V2, Scheme::Legacy] {
            let (mut client, mut host) = ends(scheme);
            for text in [&b"one"[..], b"", &[0; 300]] {
                let packet = client.seal(text).unwrap();
                assert_eq!(host.open(&packet).unwrap(), text);
                let packet = host.seal(text).unwrap();
                assert_eq!(client.open(&packet).unwrap(), text);
            }
        }
    }

    #[test]
    fn v2_takes_messages_in_any_order_but_only_once() {
        let (mut client, mut host) = ends(Scheme::V2);
        let packets: Vec<_> = (0..50).map(|_| client.seal(b"x").unwrap()).collect();
        for packet in packets.iter().rev() {
            assert!(host.open(packet).is_ok());
        }
        assert_eq!(host.open(&packets[7]), Err(OpenError::Replayed { sequence: 7 }));
    }

    #[test]
    fn a_forged_sequence_number_does_not_move_the_window() {
        let (mut client, mut host) = ends(Scheme::V2);
        let mut forged = client.seal(b"x").unwrap();
        forged[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(host.open(&forged), Err(OpenError::Forged { sequence: u32::MAX }));
        assert!(host.open(&client.seal(b"y").unwrap()).is_ok());
    }

    #[test]
    fn plain_short_and_miscounted_packets_are_refused() {
        let (mut client, mut host) = ends(Scheme::V2);
        assert_eq!(host.open(&[2, 3, 2, 0, 0, 0]), Err(OpenError::NotEncrypted { kind: 0x0302 }));
        let good = client.seal(b"text").unwrap();
        for len in 0..good.len() {
            assert!(host.open(&good[..len]).is_err(), "{len}");
        }
        assert_eq!(host.open(&[1, 0, 3, 0, 0, 0, 0]), Err(OpenError::Truncated(Truncated { have: 3, want: 4 })));
    }

    #[test]
    fn nothing_is_sealed_twice_with_one_iv() {
        let (mut client, _) = ends(Scheme::V2);
        client.sequences.next_sealed = u32::MAX;
        assert_eq!(client.seal(b"x"), Err(SealError::SequenceExhausted));
        assert_eq!(client.seal(&[0; 70_000]), Err(SealError::TooLong { len: 70_000 }));
    }

    #[test]
    fn another_process_repeats_no_number_and_takes_none_twice() {
        let key = SessionKey::new([3; 16]);
        let (mut client, mut host) = ends(Scheme::V2);
        let sent: Vec<_> = (0..3).map(|_| client.seal(b"x").unwrap()).collect();
        host.open(&sent[0]).unwrap();
        host.open(&sent[2]).unwrap();
        let first = host.seal(b"y").unwrap();
        let saved = postcard::to_allocvec(host.sequences()).unwrap();
        let lost = host.seal(b"z").unwrap();
        let sequences = postcard::from_bytes(&saved).unwrap();
        let mut host = ControlSealer::resume(&key, Scheme::V2, Side::Host, sequences);
        assert_eq!(host.open(&sent[2]), Err(OpenError::Replayed { sequence: 2 }));
        assert!(host.open(&sent[1]).is_ok());
        let next = host.seal(b"z").unwrap();
        assert_eq!(next[4..8], (SAFE_STEP + 1).to_le_bytes());
        for packet in [next, lost, first] {
            assert!(client.open(&packet).is_ok());
        }
    }
}
