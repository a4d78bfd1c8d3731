//! Who a client is: certificate, key, and the hosts that know it. Kept in a
//! file each, so that clients pair once.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, anyhow, ensure};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::protocol::pairing::certificate::Certificate;

/// One client.
pub(super) struct Identity {
    path: PathBuf,
    file: IdentityFile,
    certificate: Certificate,
    key: SecretDer,
}

/// As it is kept.
#[derive(Serialize, Deserialize)]
struct IdentityFile {
    /// `uniqueid` of every request.
    unique_id: String,
    /// PEM.
    certificate: String,
    /// PEM of PKCS#8.
    private_key: String,
    /// Certificates as PEM of the hosts it has paired with, by their `uniqueid`.
    hosts: BTreeMap<String, String>,
}

impl Drop for IdentityFile {
    fn drop(&mut self) {
        self.private_key.zeroize();
    }
}

#[derive(Zeroize, ZeroizeOnDrop)]
struct SecretDer(Vec<u8>);

impl Identity {
    /// Reads the client with this number from `directory`, or makes it. Blocks on
    /// the disk and, the first time, for the making of an RSA key.
    pub(super) fn load_or_create(directory: &Path, number: usize) -> anyhow::Result<Self> {
        let path = directory.join(format!("client-{number:03}.json"));
        let file = match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .with_context(|| format!("{} is damaged; remove it to make a new client", path.display()))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let file = IdentityFile::create()?;
                DirBuilder::new().recursive(true).mode(0o700).create(directory).with_context(|| {
                    format!("cannot make {}; choose another with --identities", directory.display())
                })?;
                save(&path, &file)?;
                file
            }
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        let certificate = Certificate::from_pem(file.certificate.as_bytes())
            .with_context(|| format!("{}: certificate", path.display()))?;
        let key = pem::parse(&file.private_key).map_err(|_| anyhow!("{}: private key is no PEM", path.display()))?;
        Ok(Self { path, certificate, key: SecretDer(key.into_contents()), file })
    }

    /// `uniqueid` of every request.
    pub(super) fn unique_id(&self) -> &str {
        &self.file.unique_id
    }

    /// The certificate as PEM, which pairing hands over.
    pub(super) fn certificate_pem(&self) -> &str {
        &self.file.certificate
    }

    /// The certificate.
    pub(super) const fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The certificate, for rustls.
    pub(super) fn certificate_der(&self) -> CertificateDer<'static> {
        CertificateDer::from(self.certificate.der().to_vec())
    }

    /// The private key, for rustls.
    pub(super) fn private_key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.0.clone()))
    }

    /// RSA PKCS#1 v1.5 with SHA-256.
    pub(super) fn sign(&self, message: &[u8]) -> anyhow::Result<Vec<u8>> {
        let key = KeyPair::from_pkcs8(&self.key.0).map_err(|_| anyhow!("{}: no RSA key", self.path.display()))?;
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
            .map_err(|_| anyhow!("the client's key does not sign"))?;
        Ok(signature)
    }

    /// The certificate of a host that it has paired with.
    pub(super) fn host(&self, host_id: &str) -> Option<Certificate> {
        Certificate::from_pem(self.file.hosts.get(host_id)?.as_bytes()).ok()
    }

    /// Remembers a host. Blocks on the disk.
    pub(super) fn remember_host(&mut self, host_id: &str, certificate: &Certificate) -> anyhow::Result<()> {
        let text = pem::encode(&pem::Pem::new("CERTIFICATE", certificate.der()));
        self.file.hosts.insert(host_id.to_owned(), text);
        save(&self.path, &self.file)
    }
}

impl IdentityFile {
    /// A certificate as the real clients make it: RSA-2048, SHA-256, 20 years.
    fn create() -> anyhow::Result<Self> {
        let mut unique_id = [0; 8];
        getrandom::fill(&mut unique_id).context("no random numbers")?;
        let key = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048)?;
        let mut parameters = rcgen::CertificateParams::default();
        parameters.distinguished_name = rcgen::DistinguishedName::new();
        parameters.distinguished_name.push(rcgen::DnType::CommonName, "NVIDIA GameStream Client");
        let now = SystemTime::now();
        parameters.not_before = (now - DAY).into();
        parameters.not_after = (now + 20 * 365 * DAY).into();
        let certificate = parameters.self_signed(&key)?;
        Ok(Self {
            unique_id: hex::encode(unique_id),
            certificate: certificate.pem().replace("\r\n", "\n"),
            private_key: key.serialize_pem(),
            hosts: BTreeMap::new(),
        })
    }
}

/// Replaces the file by a rename, so that a killed run leaves a whole one.
fn save(path: &Path, file: &IdentityFile) -> anyhow::Result<()> {
    let new = path.with_extension("new");
    let write = || -> std::io::Result<()> {
        match std::fs::remove_file(&new) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        out.write_all(&serde_json::to_vec_pretty(file)?)?;
        std::fs::rename(&new, path)
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

/// All clients of a run.
pub(super) async fn all(directory: &Path, count: usize) -> anyhow::Result<Vec<Identity>> {
    ensure!(count <= MOST_CLIENTS, "{count} clients: at most {MOST_CLIENTS} are played");
    let made = (0..count).map(|number| {
        let directory = directory.to_owned();
        tokio::task::spawn_blocking(move || Identity::load_or_create(&directory, number))
    });
    let mut identities = Vec::with_capacity(count);
    for identity in made.collect::<Vec<_>>() {
        identities.push(identity.await??);
    }
    Ok(identities)
}

/// File names have three digits.
const MOST_CLIENTS: usize = 1000;

const DAY: Duration = Duration::from_secs(86_400);

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_client_is_made_once_and_remembers_its_hosts() {
        let directory = tempfile::tempdir().unwrap();
        let below = directory.path().join("clients");
        let mut first = Identity::load_or_create(&below, 3).unwrap();
        let host = first.certificate().clone();
        first.remember_host("a host", &host).unwrap();
        let again = Identity::load_or_create(&below, 3).unwrap();
        assert_eq!(again.unique_id(), first.unique_id());
        assert_eq!(again.certificate(), first.certificate());
        assert_eq!(again.host("a host"), Some(host));
        assert_eq!(again.host("another"), None);
        let mode = std::fs::metadata(below.join("client-003.json")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn what_it_signs_its_certificate_verifies() {
        let directory = tempfile::tempdir().unwrap();
        let identity = Identity::load_or_create(directory.path(), 0).unwrap();
        let signature = identity.sign(b"secret").unwrap();
        assert!(identity.certificate().verifies(b"secret", &signature));
        assert!(!identity.certificate().verifies(b"other", &signature));
    }

    #[test]
    fn a_damaged_file_is_named_and_kept() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("client-000.json");
        std::fs::write(&path, "{").unwrap();
        let error = format!("{:#}", Identity::load_or_create(directory.path(), 0).err().unwrap());
        assert!(error.contains("client-000.json is damaged"), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), b"{");
    }
}
