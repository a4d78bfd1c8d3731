//! The steps of one pairing attempt, a type each.
//!
//! [`AwaitingPin`] → [`AwaitingChallenge`] → [`Challenged`] → [`Revealed`] →
//! [`Verified`]. Every step consumes the one before, so a PIN can be tried only
//! once per phase 1: a wrong one costs the attacker a new attempt, which the
//! user sees. Random values and the host's signature come from outside.

use crate::protocol::pairing::certificate::Certificate;
use crate::protocol::pairing::pin_key::{HashKind, Pin, PinKey};
use crate::protocol::pairing::proofs;
use crate::protocol::secret::debug_without_secrets;

/// Phase 1: the client's certificate is known, the user has not typed a PIN.
#[derive(Debug)]
pub struct AwaitingPin {
    hash: HashKind,
    salt: [u8; 16],
    client: Certificate,
}

/// After phase 1: there is a key, and nobody knows yet whether it is the right
/// one.
#[derive(Debug)]
pub struct AwaitingChallenge {
    hash: HashKind,
    key: PinKey,
    client: Certificate,
}

/// After phase 2: the client's challenge is answered and ours is out.
pub struct Challenged {
    hash: HashKind,
    key: PinKey,
    client: Certificate,
    host_secret: [u8; 16],
    host_challenge: [u8; 16],
}

/// After phase 3: the client has committed itself and knows our secret.
pub struct Revealed {
    hash: HashKind,
    client: Certificate,
    host_challenge: [u8; 16],
    commitment: Vec<u8>,
}

/// After phase 4: the client knew the PIN and owns its certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// What to remember. The list of paired clients must have it before the
    /// phase is answered: phase 5 follows at once.
    pub client: Certificate,
}

/// Random values of one attempt.
pub struct HostRandom {
    /// Revealed in phase 3.
    pub secret: [u8; 16],
    /// What the client must answer.
    pub challenge: [u8; 16],
}

/// Why phase 4 failed. The client only ever learns that it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The commitment does not fit: another PIN, or somebody in between.
    #[error("the client did not know the PIN")]
    WrongProof,
    /// The secret is not signed by the certificate's key.
    #[error("the client does not own its certificate")]
    WrongSignature,
}

impl AwaitingPin {
    /// From the parameters of phase 1.
    #[must_use]
    pub const fn new(hash: HashKind, salt: [u8; 16], client: Certificate) -> Self {
        Self { hash, salt, client }
    }

    /// Whose attempt it is.
    #[must_use]
    pub const fn client(&self) -> &Certificate {
        &self.client
    }

    /// The user typed a PIN; answer phase 1 with the host's certificate.
    #[must_use]
    pub fn enter_pin(self, pin: &Pin) -> AwaitingChallenge {
        let key = PinKey::derive(self.hash, &self.salt, pin);
        AwaitingChallenge { hash: self.hash, key, client: self.client }
    }
}

impl AwaitingChallenge {
    /// Phase 2. Returns the bytes of `challengeresponse`.
    #[must_use]
    pub fn answer_challenge(
        self,
        client_challenge: &[u8; 16],
        host: &Certificate,
        random: HostRandom,
    ) -> (Challenged, Vec<u8>) {
        let client_challenge = self.key.decrypt(client_challenge);
        let mut answer = proofs::host_proof(self.hash, &client_challenge, host, &random.secret);
        answer.extend_from_slice(&random.challenge);
        let answer = self.key.encrypt(&answer);
        let next = Challenged {
            hash: self.hash,
            key: self.key,
            client: self.client,
            host_secret: random.secret,
            host_challenge: random.challenge,
        };
        (next, answer)
    }
}

impl Challenged {
    /// Phase 3. `sign` makes an RSA PKCS#1 v1.5 SHA-256 signature with the
    /// host's key. Returns the bytes of `pairingsecret`.
    ///
    /// # Errors
    /// Whatever `sign` fails with.
    pub fn reveal<E>(
        self,
        client_response: &[u8; 32],
        sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, E>,
    ) -> Result<(Revealed, Vec<u8>), E> {
        let mut commitment = self.key.decrypt(client_response);
        commitment.truncate(self.hash.output_len());
        let signature = sign(&self.host_secret)?;
        let secret = [&self.host_secret[..], &signature].concat();
        let next = Revealed { hash: self.hash, client: self.client, host_challenge: self.host_challenge, commitment };
        Ok((next, secret))
    }
}

impl Revealed {
    /// Phase 4, the only check there is.
    ///
    /// # Errors
    /// [`VerifyError`].
    pub fn verify(self, client_secret: &[u8; 16], signature: &[u8]) -> Result<Verified, VerifyError> {
        let proof = proofs::client_proof(self.hash, &self.host_challenge, &self.client, client_secret);
        if !proofs::same(&proof, &self.commitment) {
            Err(VerifyError::WrongProof)
        } else if !self.client.verifies(client_secret, signature) {
            Err(VerifyError::WrongSignature)
        } else {
            Ok(Verified { client: self.client })
        }
    }
}

debug_without_secrets!(Challenged, Revealed, HostRandom);
