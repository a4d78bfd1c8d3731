//! AES-128-CBC for Opus packets.
//!
//! Padding is PKCS#7, the IV is `rikeyid` plus the RTP sequence, big endian, and
//! twelve zeros (moonlight-common-c `AudioStream.c`). Nothing is authenticated,
//! and IVs repeat after 65536 packets: the protocol leaves no choice.

use aes::Aes128;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};

use crate::protocol::secret::{SessionKey, debug_without_secrets};

/// Encrypts Opus packets of one stream.
#[derive(Clone)]
pub struct AudioSealer {
    key: SessionKey,
    rikeyid: u32,
}

impl AudioSealer {
    /// With the key of the connection and `rikeyid` as an unsigned number.
    #[must_use]
    pub const fn new(key: SessionKey, rikeyid: u32) -> Self {
        Self { key, rikeyid }
    }

    /// Bytes of a sealed packet: the next multiple of 16, one more block if it is
    /// one already.
    #[must_use]
    pub const fn sealed_len(opus_len: usize) -> usize {
        (opus_len / BLOCK + 1) * BLOCK
    }

    /// Encrypts into `sealed`, which has [`AudioSealer::sealed_len`] bytes.
    ///
    /// # Panics
    /// If `sealed` has another length.
    pub fn seal(&self, sequence: u16, opus: &[u8], sealed: &mut [u8]) {
        cbc::Encryptor::<Aes128>::new(self.key.bytes().into(), &self.iv(sequence).into())
            .encrypt_padded_b2b::<Pkcs7>(opus, sealed)
            .expect("the caller has made room for the padding");
    }

    /// Decrypts as a client does; `None` if the padding is wrong.
    #[must_use]
    pub fn open(&self, sequence: u16, sealed: &[u8]) -> Option<Vec<u8>> {
        let mut plain = vec![0; sealed.len()];
        let opus = cbc::Decryptor::<Aes128>::new(self.key.bytes().into(), &self.iv(sequence).into())
            .decrypt_padded_b2b::<Pkcs7>(sealed, &mut plain)
            .ok()?;
        Some(opus.to_vec())
    }

    /// The IV of the packet with this RTP sequence.
    #[must_use]
    pub fn iv(&self, sequence: u16) -> [u8; BLOCK] {
        let mut iv = [0; BLOCK];
        iv[..4].copy_from_slice(&self.rikeyid.wrapping_add(u32::from(sequence)).to_be_bytes());
        iv
    }
}

debug_without_secrets!(AudioSealer);

/// Bytes of an AES block.
const BLOCK: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    const SEALER: AudioSealer = AudioSealer::new(SessionKey::new([7; 16]), u32::MAX);

    #[test]
    fn what_was_sealed_opens_at_every_length() {
        for len in 0..70 {
            let opus = vec![0x5A; len];
            let mut sealed = vec![0; AudioSealer::sealed_len(len)];
            SEALER.seal(9, &opus, &mut sealed);
            assert!(sealed.len() > len && sealed.len() <= len + 16);
            assert_eq!(SEALER.open(9, &sealed).unwrap(), opus);
        }
    }

    #[test]
    fn the_iv_wraps_at_32_bits() {
        assert_eq!(SEALER.iv(2)[..4], [0, 0, 0, 1]);
        assert_eq!(SEALER.iv(2)[4..], [0; 12]);
    }

    #[test]
    fn garbage_does_not_open() {
        assert_eq!(SEALER.open(0, &[1; 15]), None);
        assert_eq!(SEALER.open(0, &[]), None);
    }
}
