//! Just enough DER to find the public key in a client's certificate.
//!
//! Clients make their certificates themselves, some with serial 0, without
//! extensions, expired or not yet valid, or as version 1; the strict parsers
//! of TLS libraries refuse some of those. Who a client is hangs on the whole
//! DER and on its key alone, so nothing else is read (protocol notes: TLS and
//! who the client is; RFC 5280 section 4.1 for the order of fields).

use rustls::pki_types::SubjectPublicKeyInfoDer;

/// The public key of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey<'a> {
    /// The whole SubjectPublicKeyInfo.
    info: &'a [u8],
    /// Content of its AlgorithmIdentifier.
    algorithm: &'a [u8],
    /// Content of its BIT STRING.
    key: &'a [u8],
}

impl<'a> PublicKey<'a> {
    /// The key in a certificate; `None` if the bytes are no certificate.
    #[must_use]
    pub fn find(certificate: &'a [u8]) -> Option<Self> {
        let (certificate, _) = Element::read(certificate)?;
        let (body, _) = certificate.expect(SEQUENCE)?.first()?;
        let mut rest = body.expect(SEQUENCE)?.content;
        let (version_or_serial, after) = Element::read(rest)?;
        if version_or_serial.tag == EXPLICIT_0 {
            rest = after;
        }
        // serialNumber, signature, issuer, validity, subject
        for _ in 0..5 {
            (_, rest) = Element::read(rest)?;
        }
        Self::parse(Element::read(rest)?.0)
    }

    /// Content of the AlgorithmIdentifier.
    #[must_use]
    pub const fn algorithm(&self) -> &'a [u8] {
        self.algorithm
    }

    /// The key itself: for RSA a DER RSAPublicKey, for EC a point.
    #[must_use]
    pub const fn key(&self) -> &'a [u8] {
        self.key
    }

    /// For rustls.
    #[must_use]
    pub fn info(&self) -> SubjectPublicKeyInfoDer<'a> {
        SubjectPublicKeyInfoDer::from(self.info)
    }

    fn parse(info: Element<'a>) -> Option<Self> {
        let (algorithm, after) = info.expect(SEQUENCE)?.first()?;
        let (key, _) = Element::read(after)?;
        let (unused_bits, key) = key.expect(BIT_STRING)?.content.split_first()?;
        (*unused_bits == 0).then_some(Self { info: info.whole, algorithm: algorithm.expect(SEQUENCE)?.content, key })
    }
}

/// One tag, length and value.
#[derive(Debug, Clone, Copy)]
struct Element<'a> {
    tag: u8,
    content: &'a [u8],
    whole: &'a [u8],
}

impl<'a> Element<'a> {
    /// The first element of `bytes` and what follows it.
    fn read(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (tag, after_tag) = bytes.split_first()?;
        let (first, after_first) = after_tag.split_first()?;
        let (length, after_length) = match first {
            0..=0x7f => (usize::from(*first), after_first),
            // Two bytes count up to 64 KiB, more than a TLS record carries.
            0x81 => (usize::from(*after_first.first()?), after_first.get(1..)?),
            0x82 => {
                let length = u16::from_be_bytes(after_first.get(..2)?.try_into().ok()?);
                (usize::from(length), after_first.get(2..)?)
            }
            _ => return None,
        };
        let content = after_length.get(..length)?;
        let rest = &after_length[length..];
        let whole = &bytes[..bytes.len() - rest.len()];
        Some((Self { tag: *tag, content, whole }, rest))
    }

    fn first(self) -> Option<(Self, &'a [u8])> {
        Self::read(self.content)
    }

    fn expect(self, tag: u8) -> Option<Self> {
        (self.tag == tag).then_some(self)
    }
}

const SEQUENCE: u8 = 0x30;
const BIT_STRING: u8 = 0x03;
/// `version`, absent in version 1.
const EXPLICIT_0: u8 = 0xa0;

#[cfg(test)]
mod tests {
    use rustls::pki_types::CertificateDer;

    use super::*;

    fn certificate() -> (rcgen::KeyPair, CertificateDer<'static>) {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let certificate = rcgen::CertificateParams::default().self_signed(&key).unwrap();
        let der = certificate.der().clone();
        (key, der)
    }

    #[test]
    fn key_is_found_in_a_certificate() {
        let (key, certificate) = certificate();
        let found = PublicKey::find(&certificate).unwrap();
        assert_eq!(found.key(), key.public_key_raw());
    }

    #[test]
    fn no_prefix_of_a_certificate_panics_or_is_taken_for_one() {
        let (_, certificate) = certificate();
        for length in 0..certificate.len() {
            assert_eq!(PublicKey::find(&CertificateDer::from(&certificate[..length])), None);
        }
    }

    #[test]
    fn flipped_bytes_never_panic() {
        let (_, certificate) = certificate();
        let mut found = 0;
        for index in 0..certificate.len() {
            let mut bytes = certificate.to_vec();
            bytes[index] ^= 0xff;
            found += usize::from(PublicKey::find(&CertificateDer::from(bytes)).is_some());
        }
        assert!(found > 0, "content of fields must not matter");
    }
}
