//! As much of an X.509 certificate as pairing needs.
//!
//! Clients make certificates that strict parsers refuse: expired, not yet
//! valid, odd serial numbers, missing extensions. None of that matters here,
//! because a certificate is trusted for having paired and for nothing else. So
//! this walks the DER (RFC 5280, 4.1) just far enough to find the public key
//! and the signature.

use std::fmt;
use std::ops::Range;

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use sha2::{Digest, Sha256};

use crate::ids::ClientId;

/// A certificate whose key and signature have been found.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    public_key_info: Range<usize>,
    public_key: Range<usize>,
    signature: Range<usize>,
}

/// Why bytes are no certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Not PEM, or not of a certificate.
    #[error("no PEM text of a certificate")]
    NotPem,
    /// The DER breaks off or has something else where `expected` belongs.
    #[error("DER at byte {at}: expected {expected}")]
    NotDer {
        /// Offset in bytes.
        at: usize,
        /// What should be there.
        expected: &'static str,
    },
}

impl Certificate {
    /// From PEM text.
    ///
    /// # Errors
    /// [`CertificateError`].
    pub fn from_pem(text: &[u8]) -> Result<Self, CertificateError> {
        let pem = pem::parse(text).map_err(|_| CertificateError::NotPem)?;
        if pem.tag() != "CERTIFICATE" {
            return Err(CertificateError::NotPem);
        }
        Self::from_der(pem.into_contents())
    }

    /// From DER.
    ///
    /// # Errors
    /// [`CertificateError::NotDer`].
    pub fn from_der(der: Vec<u8>) -> Result<Self, CertificateError> {
        let mut outer = Der { bytes: &der, at: 0, end: der.len() };
        let mut certificate = outer.enter(SEQUENCE, "a certificate")?;
        let mut signed = certificate.enter(SEQUENCE, "its signed part")?;
        signed.skip_if(VERSION)?;
        for expected in ["a serial number", "an algorithm", "an issuer", "a validity", "a subject"] {
            signed.skip(expected)?;
        }
        let info_start = signed.at;
        let mut info = signed.enter(SEQUENCE, "a public key")?;
        let public_key_info = info_start..info.end;
        info.skip("an algorithm")?;
        let public_key = info.bit_string("the bits of a public key")?;
        certificate.skip("an algorithm")?;
        let signature = certificate.bit_string("a signature")?;
        Ok(Self { der, public_key_info, public_key, signature })
    }

    /// The whole certificate.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The `SubjectPublicKeyInfo` as DER, as signature checks of TLS want it.
    #[must_use]
    pub fn public_key_info(&self) -> &[u8] {
        &self.der[self.public_key_info.clone()]
    }

    /// The bits of the certificate's own signature.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        &self.der[self.signature.clone()]
    }

    /// Who pairs with it.
    #[must_use]
    pub fn client_id(&self) -> ClientId {
        ClientId(Sha256::digest(&self.der).into())
    }

    /// Whether the owner of this certificate's RSA key signed `message`
    /// (PKCS#1 v1.5, SHA-256).
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &self.der[self.public_key.clone()]);
        key.verify(message, signature).is_ok()
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({:?})", self.client_id())
    }
}

/// A position inside one constructed DER value.
struct Der<'a> {
    bytes: &'a [u8],
    at: usize,
    end: usize,
}

impl<'a> Der<'a> {
    /// Steps over a value with this tag and returns its inside.
    fn enter(&mut self, tag: u8, expected: &'static str) -> Result<Self, CertificateError> {
        let (found, inside) = self.value(expected)?;
        if found != tag {
            return Err(CertificateError::NotDer { at: self.at, expected });
        }
        self.at = inside.end;
        Ok(Der { bytes: self.bytes, at: inside.start, end: inside.end })
    }

    /// Steps over a value of any tag.
    fn skip(&mut self, expected: &'static str) -> Result<(), CertificateError> {
        self.at = self.value(expected)?.1.end;
        Ok(())
    }

    /// Steps over an optional value.
    fn skip_if(&mut self, tag: u8) -> Result<(), CertificateError> {
        if self.bytes.get(self.at) == Some(&tag) { self.skip("a version") } else { Ok(()) }
    }

    /// Steps over a BIT STRING of whole bytes and returns where they are.
    fn bit_string(&mut self, expected: &'static str) -> Result<Range<usize>, CertificateError> {
        let inside = self.enter(BIT_STRING, expected)?;
        // The first byte counts unused bits; keys and signatures have none.
        if inside.at < inside.end && self.bytes[inside.at] == 0 {
            Ok(inside.at + 1..inside.end)
        } else {
            Err(CertificateError::NotDer { at: inside.at, expected })
        }
    }

    /// Tag of the next value, and where its contents are.
    fn value(&self, expected: &'static str) -> Result<(u8, Range<usize>), CertificateError> {
        let broken = CertificateError::NotDer { at: self.at, expected };
        let rest = self.bytes.get(self.at..self.end).unwrap_or_default();
        let [tag, first, rest @ ..] = rest else { return Err(broken) };
        let (len, len_bytes) = match usize::from(*first) {
            short @ 0..=0x7f => (short, 0),
            long @ 0x81..=0x84 => {
                let count = long - 0x80;
                let digits = rest.get(..count).ok_or(broken.clone())?;
                (digits.iter().fold(0, |len, digit| len << 8 | usize::from(*digit)), count)
            }
            _ => return Err(broken),
        };
        let start = self.at + 2 + len_bytes;
        let end = start.checked_add(len).filter(|end| *end <= self.end).ok_or(broken)?;
        Ok((*tag, start..end))
    }
}

const SEQUENCE: u8 = 0x30;
const BIT_STRING: u8 = 0x03;
/// Context tag 0, constructed.
const VERSION: u8 = 0xa0;

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate() -> Vec<u8> {
        rcgen::generate_simple_self_signed(["test".to_owned()]).unwrap().cert.der().to_vec()
    }

    #[test]
    fn key_and_signature_are_where_another_parser_finds_them() {
        let der = certificate();
        let ours = Certificate::from_der(der.clone()).unwrap();
        let (_, theirs) = x509_parser::parse_x509_certificate(&der).unwrap();
        assert_eq!(ours.signature(), &*theirs.signature_value.data);
        assert_eq!(ours.public_key_info(), theirs.public_key().raw);
        assert_eq!(ours.der(), der);
    }

    #[test]
    fn certificates_cut_anywhere_are_refused() {
        let der = certificate();
        for len in 0..der.len() {
            assert!(Certificate::from_der(der[..len].to_vec()).is_err(), "{len}");
        }
    }

    #[test]
    fn lengths_beyond_the_end_are_refused() {
        for der in [&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff][..], &[0x30, 0x80, 0, 0], &[0x30, 0x89, 1], &[0x31, 0]] {
            assert!(matches!(Certificate::from_der(der.to_vec()), Err(CertificateError::NotDer { at: 0, .. })));
        }
    }

    #[test]
    fn other_pem_is_no_certificate() {
        assert_eq!(Certificate::from_pem(b"hello"), Err(CertificateError::NotPem));
        let key = b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        assert_eq!(Certificate::from_pem(key), Err(CertificateError::NotPem));
    }
}
