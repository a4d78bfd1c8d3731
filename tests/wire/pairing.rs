//! `pairing.json`: whole pairing exchanges with fixed random values.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use earthshine::protocol::pairing::certificate::Certificate;
use earthshine::protocol::pairing::handshake::{AwaitingPin, HostRandom, Revealed, Verified, VerifyError};
use earthshine::protocol::pairing::pin_key::{HashKind, Pin};
use earthshine::protocol::pairing::request::PairRequest;
use serde_json::Value;

use crate::vectors::{array, bytes, load, text};

const GENERATIONS: [(&str, HashKind); 2] = [("gen7_sha256", HashKind::Sha256), ("pre_gen7_sha1", HashKind::Sha1)];

fn parse(pairs: &[(&str, &str)]) -> PairRequest {
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    PairRequest::parse(&pairs).unwrap()
}

fn sign(vectors: &Value, message: &[u8]) -> Vec<u8> {
    let key = pem::parse(text(vectors, "host_key_pem")).unwrap();
    let key = KeyPair::from_pkcs8(key.contents()).unwrap();
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).unwrap();
    signature
}

/// Phases 1 to 3, checked against the vectors if the PIN is theirs.
fn up_to_reveal(vectors: &Value, phases: &Value, hash: HashKind, pin: &str, check: bool) -> Revealed {
    let (salt, cert) = (text(vectors, "salt_hex"), text(phases, "phase1_clientcert_param"));
    let PairRequest::GetServerCert { salt, certificate } =
        parse(&[("devicename", "roth"), ("phrase", "getservercert"), ("salt", salt), ("clientcert", cert)])
    else {
        panic!("not phase 1");
    };
    let waiting = AwaitingPin::new(hash, salt, *certificate).enter_pin(&Pin::parse(pin).unwrap());

    let PairRequest::ClientChallenge(challenge) =
        parse(&[("clientchallenge", text(phases, "phase2_clientchallenge_param"))])
    else {
        panic!("not phase 2");
    };
    let host = Certificate::from_pem(text(vectors, "host_cert_pem").as_bytes()).unwrap();
    let random =
        HostRandom { secret: array(vectors, "server_secret_hex"), challenge: array(vectors, "server_challenge_hex") };
    let (challenged, answer) = waiting.answer_challenge(&challenge, &host, random);
    assert_eq!(hex::encode(answer) == text(phases, "phase2_challengeresponse_field"), check);

    let PairRequest::ServerChallengeResponse(response) =
        parse(&[("serverchallengeresp", text(phases, "phase3_serverchallengeresp_param"))])
    else {
        panic!("not phase 3");
    };
    let signed = challenged.reveal(&response, |message| Ok::<_, ()>(sign(vectors, message)));
    let (revealed, secret) = signed.unwrap();
    assert_eq!(hex::encode(secret), text(phases, "phase3_pairingsecret_field"));
    revealed
}

fn client_secret(phases: &Value) -> ([u8; 16], Vec<u8>) {
    match parse(&[("clientpairingsecret", text(phases, "phase4_clientpairingsecret_param"))]) {
        PairRequest::ClientPairingSecret { secret, signature } => (secret, signature),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_right_pin_pairs_byte_for_byte() {
    let vectors = load("pairing");
    for (name, hash) in GENERATIONS {
        let phases = &vectors[name];
        let revealed = up_to_reveal(&vectors, phases, hash, text(&vectors, "pin"), true);
        let (secret, signature) = client_secret(phases);
        let Verified { client } = revealed.verify(&secret, &signature).unwrap();
        assert_eq!(client.der(), pem::parse(text(&vectors, "client_cert_pem")).unwrap().contents());
    }
}

#[test]
fn a_wrong_pin_fails_in_phase_four() {
    let vectors = load("pairing");
    for (name, hash) in GENERATIONS {
        let revealed = up_to_reveal(&vectors, &vectors[name], hash, "1235", false);
        let (secret, signature) = client_secret(&vectors[name]);
        assert_eq!(revealed.verify(&secret, &signature), Err(VerifyError::WrongProof));
    }
}

#[test]
fn a_signature_by_another_key_fails_in_phase_four() {
    let vectors = load("pairing");
    for (name, hash) in GENERATIONS {
        let revealed = up_to_reveal(&vectors, &vectors[name], hash, text(&vectors, "pin"), true);
        let (secret, _) = client_secret(&vectors[name]);
        let signature = sign(&vectors, &secret);
        assert_eq!(revealed.verify(&secret, &signature), Err(VerifyError::WrongSignature));
    }
}

#[test]
fn certificate_signatures_are_found() {
    let vectors = load("pairing");
    for end in ["client", "host"] {
        let certificate = Certificate::from_pem(text(&vectors, &format!("{end}_cert_pem")).as_bytes()).unwrap();
        assert_eq!(certificate.signature(), bytes(&vectors, &format!("{end}_cert_signature_hex")));
    }
}
