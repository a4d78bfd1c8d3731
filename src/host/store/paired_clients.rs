//! The clients that may stream: who they are, by the certificate they paired
//! with.
//!
//! Readers take a snapshot and never wait for the disk; writers put the new
//! list on disk first and publish it then, so that no client is told it is
//! paired before that would survive a crash.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::host::store::versioned_file::{self, Format, LoadStateError, SaveStateError};
use crate::ids::ClientId;

/// All paired clients; cheap to clone, every clone is the same list.
#[derive(Debug, Clone)]
pub struct PairedClients {
    inner: Arc<Inner>,
}

/// One paired client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairedClient {
    /// SHA-256 of the certificate's DER.
    pub id: ClientId,
    /// Name the client gave; most send `roth`.
    pub name: String,
    /// Unix time of the pairing in seconds.
    pub paired_at: u64,
    /// Small number of this client alone, kept for ever and never given to
    /// another client, because files of its desktops belong to it.
    pub slot: u32,
    /// The certificate as PEM.
    pub certificate: String,
}

impl PairedClients {
    /// Reads the list from `path`; an absent file is an empty list.
    ///
    /// # Errors
    /// [`LoadStateError`]; the file is untouched.
    pub fn open(path: &Path) -> Result<Self, LoadStateError> {
        Self::with_list(path, versioned_file::load(path, FORMAT)?.unwrap_or_default())
    }

    /// The list in the `content` of the file at `path`, which is not read.
    ///
    /// # Errors
    /// [`LoadStateError`].
    pub fn parse(path: &Path, content: &[u8]) -> Result<Self, LoadStateError> {
        Self::with_list(path, versioned_file::parse(path, FORMAT, content)?)
    }

    fn with_list(path: &Path, list: List) -> Result<Self, LoadStateError> {
        check(path, &list)?;
        let inner = Inner { path: path.into(), current: RwLock::new(Arc::new(list)), writer: Mutex::new(()) };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The client with this certificate fingerprint.
    #[must_use]
    pub fn get(&self, id: ClientId) -> Option<PairedClient> {
        self.inner.snapshot().clients.iter().find(|client| client.id == id).cloned()
    }

    /// Whether this client is paired.
    #[must_use]
    pub fn contains(&self, id: ClientId) -> bool {
        self.inner.snapshot().clients.iter().any(|client| client.id == id)
    }

    /// The client that the API calls by this number ([`ClientId::short`]).
    #[must_use]
    pub fn find_short(&self, short: u64) -> Option<PairedClient> {
        self.inner.snapshot().clients.iter().find(|client| client.id.short() == short).cloned()
    }

    /// All clients in the order they paired.
    #[must_use]
    pub fn list(&self) -> Vec<PairedClient> {
        self.inner.snapshot().clients.clone()
    }

    /// Adds a client; a client that pairs again keeps its slot.
    ///
    /// Blocks on the disk: call it from a thread that may.
    ///
    /// # Errors
    /// [`SaveStateError`]; the client is then not paired.
    pub fn add(&self, certificate_der: &[u8], name: &str) -> Result<PairedClient, SaveStateError> {
        let id = fingerprint(certificate_der);
        self.inner.change(|list| {
            let known = list.clients.iter().position(|client| client.id == id);
            let slot = match known {
                Some(index) => list.clients.remove(index).slot,
                None => list.take_slot(),
            };
            let client = PairedClient {
                id,
                name: name.into(),
                paired_at: unix_seconds(),
                slot,
                certificate: pem::encode(&pem::Pem::new("CERTIFICATE", certificate_der)),
            };
            list.clients.push(client.clone());
            client
        })
    }

    /// Forgets a client; false if it was not paired.
    ///
    /// Blocks on the disk: call it from a thread that may.
    ///
    /// # Errors
    /// [`SaveStateError`]; the client is then still paired.
    pub fn remove(&self, id: ClientId) -> Result<bool, SaveStateError> {
        if !self.contains(id) {
            return Ok(false);
        }
        self.inner.change(|list| {
            let before = list.clients.len();
            list.clients.retain(|client| client.id != id);
            list.clients.len() < before
        })
    }
}

/// Identity of a client: SHA-256 of its certificate's DER.
#[must_use]
pub fn fingerprint(certificate_der: &[u8]) -> ClientId {
    ClientId(Sha256::digest(certificate_der).into())
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    current: RwLock<Arc<List>>,
    /// Held while the disk is written, so that `current` never is.
    writer: Mutex<()>,
}

impl Inner {
    fn snapshot(&self) -> Arc<List> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn change<T>(&self, edit: impl FnOnce(&mut List) -> T) -> Result<T, SaveStateError> {
        let _writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut list = List::clone(&self.snapshot());
        let outcome = edit(&mut list);
        versioned_file::save(&self.path, FORMAT, &list)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(list);
        Ok(outcome)
    }
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct List {
    /// The next client's slot. Only grows.
    next_slot: u32,
    clients: Vec<PairedClient>,
}

impl List {
    fn take_slot(&mut self) -> u32 {
        let slot = self.next_slot;
        self.next_slot = slot.saturating_add(1);
        slot
    }
}

/// A list that contradicts itself was edited or damaged: say so, rather than
/// authorise the wrong certificate or share a slot.
fn check(path: &Path, list: &List) -> Result<(), LoadStateError> {
    let inconsistent = |what| Err(LoadStateError::Inconsistent { path: path.into(), what });
    for (index, client) in list.clients.iter().enumerate() {
        let certificate = pem::parse(&client.certificate);
        if !certificate.is_ok_and(|pem| fingerprint(pem.contents()) == client.id) {
            return inconsistent(format!("client {} does not match its certificate", client.id));
        }
        if client.slot >= list.next_slot {
            return inconsistent(format!("slot {} of client {} was never given out", client.slot, client.id));
        }
        if list.clients[..index].iter().any(|other| other.slot == client.slot || other.id == client.id) {
            return inconsistent(format!("client {} shares its id or slot with another", client.id));
        }
    }
    Ok(())
}

fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

const FORMAT: Format = Format { name: "earthshine paired clients", version: 1 };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairings_survive_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("clients.json");
        let clients = PairedClients::open(&path).unwrap();
        assert_eq!(clients.list(), []);
        let added = clients.add(b"first certificate", "roth").unwrap();
        let again = PairedClients::open(&path).unwrap();
        assert_eq!(again.list(), std::slice::from_ref(&added));
        assert_eq!(again.get(fingerprint(b"first certificate")), Some(added.clone()));
        assert_eq!(again.find_short(added.id.short()), Some(added));
        assert!(!again.contains(fingerprint(b"another")));
    }

    #[test]
    fn slots_are_kept_on_pairing_again_and_never_reused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("clients.json");
        let clients = PairedClients::open(&path).unwrap();
        assert_eq!(clients.add(b"a", "a").unwrap().slot, 0);
        assert_eq!(clients.add(b"b", "b").unwrap().slot, 1);
        assert_eq!(clients.add(b"a", "a").unwrap().slot, 0);
        assert!(clients.remove(fingerprint(b"b")).unwrap());
        assert!(!clients.remove(fingerprint(b"b")).unwrap());
        let clients = PairedClients::open(&path).unwrap();
        assert_eq!(clients.add(b"c", "c").unwrap().slot, 2);
        assert_eq!(clients.list().len(), 2);
    }

    #[test]
    fn client_is_not_paired_if_the_disk_refuses() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("gone/clients.json");
        let clients = PairedClients::open(&path).unwrap();
        let error = clients.add(b"a", "a").unwrap_err();
        assert!(error.to_string().contains("clients.json"));
        assert!(!clients.contains(fingerprint(b"a")));
    }

    #[test]
    fn exchanged_certificates_are_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("clients.json");
        PairedClients::open(&path).unwrap().add(b"a", "a").unwrap();
        let other = pem::encode(&pem::Pem::new("CERTIFICATE", b"mallory".as_slice()));
        let mut json: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        json["clients"][0]["certificate"] = other.into();
        std::fs::write(&path, json.to_string()).unwrap();
        assert!(matches!(PairedClients::open(&path), Err(LoadStateError::Inconsistent { .. })));
    }

    #[test]
    fn concurrent_pairings_all_stay() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("clients.json");
        let clients = PairedClients::open(&path).unwrap();
        std::thread::scope(|scope| {
            for index in 0..8_u8 {
                let clients = clients.clone();
                scope.spawn(move || clients.add(&[index], "many").unwrap());
            }
        });
        let mut slots: Vec<u32> = PairedClients::open(&path).unwrap().list().iter().map(|client| client.slot).collect();
        slots.sort_unstable();
        assert_eq!(slots, (0..8).collect::<Vec<u32>>());
    }
}
