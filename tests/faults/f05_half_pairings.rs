//! docs/reliability.md, 5: pairings that are begun and not finished, with certificates
//! that are none, are bounded and forgotten; one that is right works.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use crate::support::deadline::{SOON, settle, wait_for};
use crate::support::host::Host;
use crate::support::{api, needs, players, process};

#[test]
fn half_pairings_are_bounded_and_a_whole_one_works() {
    let _turn = needs::turn_without_client();
    let host = Host::start();
    garbage(&host, 100);
    let memory = process::resident_kib(host.pid());
    let before = host.holdings().but_threads();
    garbage(&host, 400);
    let grown = process::resident_kib(host.pid()).saturating_sub(memory);
    eprintln!("f05: 400 pairings with certificates that are none; resident memory grew by {grown} KiB");
    assert!(grown < 4 * 1024, "{grown} KiB");
    assert_eq!(pending(&host), 0);

    // With a certificate it waits for its PIN: a few of an address may.
    let certificate = certificate();
    let waiting: Vec<_> = (0..40).map(|number| begin(&host, number, &certificate)).collect();
    wait_for("pairings that wait", SOON, || (pending(&host) > 0).then_some(()));
    let mut refused = 0;
    for mut stream in &waiting {
        stream.set_read_timeout(Some(Duration::from_millis(20))).expect("timeout");
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        refused += usize::from(answer.contains("<paired>0</paired>") || answer.contains("status_code=\"503\""));
    }
    let held = pending(&host);
    assert!(held < 40 && refused + held >= 40, "{held} wait, {refused} were refused");
    // Gone clients are forgotten, and then there is room for a real one.
    drop(waiting);
    settle("forgotten pairings", SOON, || match pending(&host) {
        0 => Ok(()),
        count => Err(format!("{count} wait")),
    });
    players::paired(&host, 1, &[]);
    settle("what half pairings leave", SOON, || host.holdings().not_more_than(&before));
}

fn garbage(host: &Host, count: usize) {
    for number in 0..count {
        let certificate = hex::encode(format!("-----BEGIN CERTIFICATE-----\nnone {number}\n-----END CERTIFICATE-----"));
        let mut stream = begin(host, number, &certificate);
        stream.set_read_timeout(Some(SOON)).expect("timeout");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        assert!(answer.contains("<paired>0</paired>"), "{answer}");
    }
}

/// Phase 1.
fn begin(host: &Host, number: usize, certificate: &str) -> TcpStream {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, host.ready.http)).expect("connect");
    let salt = "00".repeat(16);
    write!(
        stream,
        "GET /pair?uniqueid={number:016}&devicename=roth&updateState=1&phrase=getservercert&salt={salt}&clientcert={certificate} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
    )
    .expect("write");
    stream
}

/// A certificate as clients send it: PEM as hex.
fn certificate() -> String {
    let key = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).expect("a key");
    let certificate = rcgen::CertificateParams::default().self_signed(&key).expect("a certificate");
    hex::encode(certificate.pem())
}

fn pending(host: &Host) -> usize {
    api::get(host.api(), "/api/v1/pair/pending")["requests"].as_array().expect("a list").len()
}
