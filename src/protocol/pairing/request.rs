//! The query of `/pair`, as one of its five phases.

use crate::protocol::gamestream::query::Query;
use crate::protocol::pairing::certificate::{Certificate, CertificateError};

/// A phase with its checked parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PairRequest {
    /// Phase 1: certificates are exchanged, a PIN is wanted.
    GetServerCert {
        /// For the key.
        salt: [u8; 16],
        /// The client's.
        certificate: Box<Certificate>,
    },
    /// Phase 2: `clientchallenge`, encrypted.
    ClientChallenge([u8; 16]),
    /// Phase 3: `serverchallengeresp`, encrypted.
    ServerChallengeResponse([u8; 32]),
    /// Phase 4: `clientpairingsecret`.
    ClientPairingSecret {
        /// The client's secret.
        secret: [u8; 16],
        /// Its signature with the client's key.
        signature: Vec<u8>,
    },
    /// Phase 5, over HTTPS: nothing but the client's certificate.
    PairChallenge,
}

/// A query that is no phase.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PairRequestError {
    /// No parameter tells the phase.
    #[error("no phase of pairing")]
    NoPhase,
    /// A parameter of the phase is missing.
    #[error("parameter {name} is missing")]
    Missing {
        /// Its name.
        name: &'static str,
    },
    /// A parameter is not the right number of hex digits.
    #[error("parameter {name} has {digits} characters, expected {expected} hex digits")]
    BadHex {
        /// Its name.
        name: &'static str,
        /// Characters it has.
        digits: usize,
        /// Digits it should have.
        expected: &'static str,
    },
    /// `clientcert` is not a certificate.
    #[error("clientcert: {0}")]
    BadCertificate(#[from] CertificateError),
}

impl PairRequest {
    /// Reads decoded query parameters.
    ///
    /// # Errors
    /// [`PairRequestError`].
    pub fn parse(pairs: &[(String, String)]) -> Result<Self, PairRequestError> {
        let query = Query::new(pairs);
        match query.get("phrase") {
            Some("getservercert") => return get_server_cert(query),
            Some("pairchallenge") => return Ok(Self::PairChallenge),
            _ => {}
        }
        if let Some(value) = query.get("clientchallenge") {
            Ok(Self::ClientChallenge(fixed("clientchallenge", value, "32")?))
        } else if let Some(value) = query.get("serverchallengeresp") {
            Ok(Self::ServerChallengeResponse(fixed("serverchallengeresp", value, "64")?))
        } else if let Some(value) = query.get("clientpairingsecret") {
            client_pairing_secret(value)
        } else {
            Err(PairRequestError::NoPhase)
        }
    }
}

fn get_server_cert(query: Query<'_>) -> Result<PairRequest, PairRequestError> {
    let required = |name| query.get(name).ok_or(PairRequestError::Missing { name });
    let salt = fixed("salt", required("salt")?, "32")?;
    let pem = bytes("clientcert", required("clientcert")?, MAX_CERTIFICATE, "at most 16384")?;
    Ok(PairRequest::GetServerCert { salt, certificate: Box::new(Certificate::from_pem(&pem)?) })
}

fn client_pairing_secret(value: &str) -> Result<PairRequest, PairRequestError> {
    const EXPECTED: &str = "34 to 2080";
    let all = bytes("clientpairingsecret", value, 16 + MAX_SIGNATURE, EXPECTED)?;
    match all.split_first_chunk() {
        Some((secret, signature)) if !signature.is_empty() => {
            Ok(PairRequest::ClientPairingSecret { secret: *secret, signature: signature.to_vec() })
        }
        _ => Err(bad_hex("clientpairingsecret", value, EXPECTED)),
    }
}

fn fixed<const N: usize>(name: &'static str, value: &str, expected: &'static str) -> Result<[u8; N], PairRequestError> {
    let mut bytes = [0; N];
    hex::decode_to_slice(value, &mut bytes).map_err(|_| bad_hex(name, value, expected))?;
    Ok(bytes)
}

fn bytes(name: &'static str, value: &str, most: usize, expected: &'static str) -> Result<Vec<u8>, PairRequestError> {
    let bytes = hex::decode(value).ok().filter(|bytes| bytes.len() <= most);
    bytes.ok_or_else(|| bad_hex(name, value, expected))
}

fn bad_hex(name: &'static str, value: &str, expected: &'static str) -> PairRequestError {
    PairRequestError::BadHex { name, digits: value.chars().count(), expected }
}

/// Bytes of PEM text. Real ones are about 1100.
const MAX_CERTIFICATE: usize = 8192;
/// Bytes of a signature by an 8192-bit key.
const MAX_SIGNATURE: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(pairs: &[(&str, &str)]) -> Result<PairRequest, PairRequestError> {
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        PairRequest::parse(&pairs)
    }

    #[test]
    fn the_parameters_tell_the_phase() {
        assert_eq!(parse(&[("phrase", "pairchallenge")]), Ok(PairRequest::PairChallenge));
        let challenge = "Ab".repeat(16);
        assert_eq!(parse(&[("ClientChallenge", &challenge)]), Ok(PairRequest::ClientChallenge([0xab; 16])));
        let response = "00".repeat(32);
        assert!(matches!(parse(&[("serverchallengeresp", &response)]), Ok(PairRequest::ServerChallengeResponse(_))));
        let secret = "11".repeat(17);
        let expected = PairRequest::ClientPairingSecret { secret: [0x11; 16], signature: vec![0x11] };
        assert_eq!(parse(&[("clientpairingsecret", &secret)]), Ok(expected));
        assert_eq!(parse(&[("uniqueid", "1")]), Err(PairRequestError::NoPhase));
    }

    #[test]
    fn wrong_lengths_and_digits_are_refused_by_name() {
        for (name, value) in [
            ("clientchallenge", "00"),
            ("clientchallenge", "zz"),
            ("serverchallengeresp", "é"),
            ("clientpairingsecret", ""),
            ("clientpairingsecret", &"11".repeat(16)),
            ("clientpairingsecret", &"11".repeat(1041)),
        ] {
            assert!(matches!(parse(&[(name, value)]), Err(PairRequestError::BadHex { name: bad, .. }) if bad == name));
        }
    }

    #[test]
    fn phase_one_needs_a_salt_and_a_certificate() {
        let phrase = ("phrase", "getservercert");
        let salt = "00".repeat(16);
        assert_eq!(parse(&[phrase]), Err(PairRequestError::Missing { name: "salt" }));
        assert_eq!(parse(&[phrase, ("salt", &salt)]), Err(PairRequestError::Missing { name: "clientcert" }));
        let junk = parse(&[phrase, ("salt", &salt), ("clientcert", "6869")]);
        assert_eq!(junk, Err(PairRequestError::BadCertificate(CertificateError::NotPem)));
    }
}
