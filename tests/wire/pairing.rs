//! `pairing.json`: whole pairing exchanges with fixed random values.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use earthshine::protocol::pairing::certificate::Certificate;
use earthshine::protocol::pairing::client_handshake::{AskingForCertificate, ClientPairingError, ClientRandom};
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
    sign_with(vectors, "host_key_pem", message)
}

fn sign_with(vectors: &Value, key: &str, message: &[u8]) -> Vec<u8> {
    let key = pem::parse(text(vectors, key)).unwrap();
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

/// The client's steps against the recorded answers, up to what it would reveal.
fn client_reveals(vectors: &Value, phases: &Value, hash: HashKind, pin: &str) -> Result<String, ClientPairingError> {
    let client = Certificate::from_pem(text(vectors, "client_cert_pem").as_bytes())?;
    let random = ClientRandom {
        salt: array(vectors, "salt_hex"),
        challenge: array(vectors, "client_challenge_hex"),
        secret: array(vectors, "client_secret_hex"),
    };
    let right = pin == text(vectors, "pin");
    let asking = AskingForCertificate::new(hash, &Pin::parse(pin).unwrap(), client, random);
    let query = asking.query(text(vectors, "client_cert_pem"));
    assert!(query.contains(&format!("&clientcert={}", text(phases, "phase1_clientcert_param"))));
    assert!(query.contains(&format!("&salt={}&", text(vectors, "salt_hex"))));

    let challenging = asking.handle_answer(&bytes(phases, "phase1_plaincert_field"))?;
    let expected = format!("clientchallenge={}", text(phases, "phase2_clientchallenge_param"));
    assert_eq!(challenging.query() == expected, right);
    let committing = challenging.handle_answer(&bytes(phases, "phase2_challengeresponse_field"))?;
    let expected = format!("serverchallengeresp={}", text(phases, "phase3_serverchallengeresp_param"));
    assert_eq!(committing.query() == expected, right);
    let revealing = committing.handle_answer(&bytes(phases, "phase3_pairingsecret_field"))?;
    assert_eq!(revealing.host().der(), pem::parse(text(vectors, "host_cert_pem")).unwrap().contents());
    Ok(revealing.query(|message| Ok::<_, ()>(sign_with(vectors, "client_key_pem", message))).unwrap())
}

#[test]
fn the_clients_side_pairs_byte_for_byte_too() {
    let vectors = load("pairing");
    for (name, hash) in GENERATIONS {
        let phases = &vectors[name];
        let query = client_reveals(&vectors, phases, hash, text(&vectors, "pin")).unwrap();
        let expected = format!("clientpairingsecret={}", text(phases, "phase4_clientpairingsecret_param"));
        assert_eq!(query, expected, "{name}");
    }
}

#[test]
fn the_client_notices_a_wrong_pin_before_it_reveals_anything() {
    let vectors = load("pairing");
    for (name, hash) in GENERATIONS {
        let outcome = client_reveals(&vectors, &vectors[name], hash, "1235");
        assert_eq!(outcome, Err(ClientPairingError::WrongPin), "{name}");
    }
}

#[test]
fn the_client_notices_another_hosts_signature_and_short_answers() {
    let vectors = load("pairing");
    let (name, hash) = GENERATIONS[0];
    let mut phases = vectors[name].clone();
    let own = sign_with(&vectors, "client_key_pem", &bytes(&vectors, "server_secret_hex"));
    phases["phase3_pairingsecret_field"] =
        format!("{}{}", text(&vectors, "server_secret_hex"), hex::encode(own)).into();
    let outcome = client_reveals(&vectors, &phases, hash, text(&vectors, "pin"));
    assert_eq!(outcome, Err(ClientPairingError::WrongSignature));

    let client = Certificate::from_pem(text(&vectors, "client_cert_pem").as_bytes()).unwrap();
    let random = ClientRandom { salt: [1; 16], challenge: [2; 16], secret: [3; 16] };
    let asking = AskingForCertificate::new(hash, &Pin::parse("1234").unwrap(), client, random);
    let challenging = asking.handle_answer(&bytes(&phases, "phase1_plaincert_field")).unwrap();
    let short = challenging.handle_answer(&[0; 32]).unwrap_err();
    assert_eq!(short, ClientPairingError::Short { name: "challengeresponse", len: 32 });
}
