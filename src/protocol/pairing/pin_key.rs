//! The PIN and the key made of it.

use aes::Aes128;
use aes::cipher::{Block, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::protocol::secret::debug_without_secrets;

/// Four digits that the user reads from the client's screen.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Pin([u8; 4]);

/// Not a PIN. Says nothing about what was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a PIN is exactly four digits")]
pub struct PinError;

impl Pin {
    /// From what the user typed.
    ///
    /// # Errors
    /// [`PinError`] unless it is exactly four ASCII digits.
    pub fn parse(text: &str) -> Result<Self, PinError> {
        let digits: [u8; 4] = text.as_bytes().try_into().map_err(|_| PinError)?;
        if digits.iter().all(u8::is_ascii_digit) { Ok(Self(digits)) } else { Err(PinError) }
    }
}

debug_without_secrets!(Pin);

/// Hash of a protocol generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HashKind {
    /// Appversion 7 and later.
    Sha256,
    /// Before.
    Sha1,
}

impl HashKind {
    /// Hash over the parts, one after the other.
    #[must_use]
    pub fn digest(self, parts: &[&[u8]]) -> Vec<u8> {
        match self {
            Self::Sha256 => digest::<Sha256>(parts),
            Self::Sha1 => digest::<Sha1>(parts),
        }
    }

    /// Bytes of a hash.
    #[must_use]
    pub const fn output_len(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha1 => 20,
        }
    }
}

fn digest<D: Digest>(parts: &[&[u8]]) -> Vec<u8> {
    let mut hash = D::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().to_vec()
}

/// AES-128 key of one pairing attempt. Without block chaining or padding: the
/// protocol encrypts hashes and random numbers only.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct PinKey([u8; 16]);

impl PinKey {
    /// The first 16 bytes of the hash over salt and PIN.
    #[must_use]
    pub fn derive(hash: HashKind, salt: &[u8; 16], pin: &Pin) -> Self {
        let digest = Zeroizing::new(hash.digest(&[salt, &pin.0]));
        let mut key = [0; 16];
        key.copy_from_slice(&digest[..16]);
        Self(key)
    }

    /// Encrypts whole blocks; a last partial block is filled up with zeros.
    #[must_use]
    pub fn encrypt(&self, plain: &[u8]) -> Vec<u8> {
        let cipher = self.cipher();
        each_block(plain, |block| cipher.encrypt_block(block))
    }

    /// Decrypts whole blocks; a last partial block is filled up with zeros.
    #[must_use]
    pub fn decrypt(&self, sealed: &[u8]) -> Vec<u8> {
        let cipher = self.cipher();
        each_block(sealed, |block| cipher.decrypt_block(block))
    }

    fn cipher(&self) -> Aes128 {
        Aes128::new(&self.0.into())
    }
}

debug_without_secrets!(PinKey);

fn each_block(bytes: &[u8], turn: impl Fn(&mut Block<Aes128>)) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len().next_multiple_of(16));
    for chunk in bytes.chunks(16) {
        let mut block = Block::<Aes128>::default();
        block[..chunk.len()].copy_from_slice(chunk);
        turn(&mut block);
        out.extend_from_slice(&block);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_four_digits_and_never_printed() {
        for bad in ["", "123", "12345", "12a4", "１234", " 123"] {
            assert_eq!(Pin::parse(bad), Err(PinError), "{bad}");
        }
        assert_eq!(format!("{:?}", Pin::parse("1234").unwrap()), "Pin(..)");
    }

    #[test]
    fn decryption_undoes_encryption() {
        let pin = Pin::parse("0000").unwrap();
        for hash in [HashKind::Sha256, HashKind::Sha1] {
            let key = PinKey::derive(hash, &[1; 16], &pin);
            assert_eq!(key.decrypt(&key.encrypt(&[7; 36]))[..36], [7; 36]);
            assert_eq!(hash.digest(&[b"x"]).len(), hash.output_len());
        }
    }
}
