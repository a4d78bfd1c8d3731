//! Who this host is: the certificate that clients pin and the id they know it
//! by.
//!
//! Clients compare the certificate byte by byte with the one pairing gave
//! them, and remember the host by `uniqueid`; another one of either un-pairs
//! them all. Both are made on the first start and kept in one file, so that a
//! crash cannot separate them. The certificate is RSA-2048 with SHA-256,
//! because pairing signs with RSA PKCS#1 v1.5 and no client was ever met with
//! anything else (protocol notes: pairing; moonlight-qt `nvpairingmanager.cpp`).

use std::fmt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::host::store::versioned_file::{self, Format, LoadStateError, SaveStateError};
use crate::ids::Uuid;

/// The host's certificate, key and id.
pub struct Identity {
    unique_id: String,
    certificate_pem: String,
    certificate: CertificateDer<'static>,
    key: SecretDer,
}

impl Identity {
    /// Reads the identity from `path`, or makes one and writes it there.
    ///
    /// Blocks on the disk and, the first time, for the making of an RSA key.
    ///
    /// # Errors
    /// [`IdentityError`]; a file that is there is never changed.
    pub fn load_or_create(path: &Path) -> Result<Self, IdentityError> {
        if let Some(file) = versioned_file::load::<IdentityFile>(path, FORMAT)? {
            return Self::from_file(path, &file);
        }
        let file = IdentityFile::create()?;
        versioned_file::save(path, FORMAT, &file)?;
        Self::from_file(path, &file)
    }

    /// `uniqueid` of serverinfo: a UUID that never changes.
    #[must_use]
    pub fn unique_id(&self) -> &str {
        &self.unique_id
    }

    /// The certificate as the PEM text that pairing hands out.
    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// The certificate as DER.
    #[must_use]
    pub const fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// The private key as PKCS#8 DER.
    #[must_use]
    pub fn key_pkcs8(&self) -> &[u8] {
        &self.key.0
    }

    /// The private key, for rustls.
    #[must_use]
    pub fn private_key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.0.clone()))
    }

    fn from_file(path: &Path, file: &IdentityFile) -> Result<Self, IdentityError> {
        let damaged = |what: String| LoadStateError::Inconsistent { path: path.into(), what };
        let certificate = pem::parse(&file.certificate).map_err(|error| damaged(format!("certificate: {error}")))?;
        let key = pem::parse(&file.private_key).map_err(|_| damaged("private key: not PEM".into()))?;
        let pair = aws_lc_rs::rsa::KeyPair::from_pkcs8(key.contents())
            .map_err(|error| damaged(format!("private key: {error}")))?;
        let public = aws_lc_rs::signature::KeyPair::public_key(&pair);
        if !contains(certificate.contents(), public.as_ref()) {
            return Err(damaged("the certificate is not of the private key".into()).into());
        }
        Ok(Self {
            unique_id: file.unique_id.clone(),
            certificate_pem: file.certificate.clone(),
            certificate: CertificateDer::from(certificate.into_contents()),
            key: SecretDer(key.into_contents()),
        })
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("unique_id", &self.unique_id).finish_non_exhaustive()
    }
}

/// Why the host has no identity.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// There is one that cannot be used.
    #[error(transparent)]
    Load(#[from] LoadStateError),
    /// The new one cannot be kept.
    #[error(transparent)]
    Save(#[from] SaveStateError),
    /// The system gives no random numbers.
    #[error("no random numbers: {0}")]
    Random(#[from] getrandom::Error),
    /// The new one cannot be made.
    #[error("cannot make the host certificate: {0}")]
    Create(#[from] rcgen::Error),
}

/// The identity on disk.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
struct IdentityFile {
    unique_id: String,
    /// PEM.
    certificate: String,
    /// PEM of PKCS#8.
    private_key: String,
}

impl IdentityFile {
    fn create() -> Result<Self, IdentityError> {
        let key = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048)?;
        let mut parameters = rcgen::CertificateParams::default();
        parameters.distinguished_name = rcgen::DistinguishedName::new();
        parameters.distinguished_name.push(rcgen::DnType::CommonName, "Earthshine");
        let now = SystemTime::now();
        parameters.not_before = (now - CLOCK_TOLERANCE).into();
        parameters.not_after = (now + LIFETIME).into();
        let certificate = parameters.self_signed(&key)?;
        // One line ending whatever the library's default is: clients keep the
        // text as they got it.
        Ok(Self {
            unique_id: Uuid::random()?.to_string(),
            certificate: certificate.pem().replace("\r\n", "\n"),
            private_key: key.serialize_pem(),
        })
    }
}

#[derive(Zeroize, ZeroizeOnDrop)]
struct SecretDer(Vec<u8>);

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

const FORMAT: Format = Format { name: "earthshine identity", version: 1 };

/// Longer than the machine lives.
const LIFETIME: Duration = Duration::from_secs(25 * 365 * 86_400);

/// Some clients' clocks are behind.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(7 * 86_400);

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn identity_is_made_once_and_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("identity.json");
        let first = Identity::load_or_create(&path).unwrap();
        let second = Identity::load_or_create(&path).unwrap();
        assert_eq!(first.unique_id(), second.unique_id());
        assert_eq!(first.certificate_pem(), second.certificate_pem());
        assert_eq!(first.key_pkcs8(), second.key_pkcs8());
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn certificate_is_rsa_2048_sha_256_for_decades() {
        let dir = tempfile::tempdir().unwrap();
        let identity = Identity::load_or_create(&dir.path().join("identity.json")).unwrap();
        let (_, certificate) = x509_parser::parse_x509_certificate(identity.certificate()).unwrap();
        assert_eq!(certificate.signature_algorithm.algorithm.to_id_string(), "1.2.840.113549.1.1.11");
        assert_eq!(certificate.signature_value.data.len(), 256);
        let years = (certificate.validity().not_after.timestamp() - certificate.validity().not_before.timestamp())
            / (365 * 86_400);
        assert!(years >= 20);
        assert!(identity.certificate_pem().starts_with("-----BEGIN CERTIFICATE-----\n"));
    }

    #[test]
    fn key_of_another_certificate_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let (path, other) = (dir.path().join("a.json"), dir.path().join("b.json"));
        Identity::load_or_create(&path).unwrap();
        Identity::load_or_create(&other).unwrap();
        let read = |path| -> serde_json::Value { serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap() };
        let mut mixed = read(&path);
        mixed["private_key"] = read(&other)["private_key"].clone();
        std::fs::write(&path, mixed.to_string()).unwrap();
        let error = Identity::load_or_create(&path).unwrap_err().to_string();
        assert!(error.contains("a.json") && !error.contains("PRIVATE"), "{error}");
    }

    #[test]
    fn debug_output_shows_no_key() {
        let dir = tempfile::tempdir().unwrap();
        let identity = Identity::load_or_create(&dir.path().join("identity.json")).unwrap();
        assert!(format!("{identity:?}").len() < 100);
    }
}
