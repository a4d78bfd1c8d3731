//! A Moonlight client as far as HTTP and pairing go, written from the protocol
//! notes and sharing no code with the host.

use std::net::SocketAddr;
use std::sync::Arc;

use aes::Aes128;
use aes::cipher::{Block, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::host::http_tests::any_host::AnyHost;
use crate::host::http_tests::fixture::Host;

pub(super) struct Client {
    pub(super) unique_id: &'static str,
    pem: String,
    certificate: CertificateDer<'static>,
    key: rcgen::KeyPair,
    tls: TlsConnector,
}

impl Client {
    pub(super) fn new() -> Self {
        let key = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap();
        let mut parameters = rcgen::CertificateParams::default();
        parameters.distinguished_name.push(rcgen::DnType::CommonName, "NVIDIA GameStream Client");
        let certificate = parameters.self_signed(&key).unwrap();
        let config = tls_config()
            .with_client_auth_cert(
                vec![certificate.der().clone()],
                PrivatePkcs8KeyDer::from(key.serialized_der().to_vec()).into(),
            )
            .unwrap();
        Self {
            unique_id: "0123456789ABCDEF",
            pem: certificate.pem(),
            certificate: certificate.der().clone(),
            key,
            tls: TlsConnector::from(Arc::new(config)),
        }
    }

    pub(super) fn fingerprint(&self) -> [u8; 32] {
        Sha256::digest(&self.certificate).into()
    }

    pub(super) async fn http(&self, host: &Host, target: &str) -> String {
        let stream = TcpStream::connect(host.http).await.unwrap();
        get(stream, &self.with_id(target)).await
    }

    pub(super) async fn https(&self, host: &Host, target: &str) -> String {
        let stream = self.connect_tls(host.https).await;
        get(stream, &self.with_id(target)).await
    }

    pub(super) async fn connect_tls(&self, address: SocketAddr) -> TlsStream<TcpStream> {
        let stream = TcpStream::connect(address).await.unwrap();
        self.tls.connect("host.test".try_into().unwrap(), stream).await.unwrap()
    }

    /// All phases; what went wrong, by phase, if something did.
    pub(super) async fn pair(&self, host: &Host, shown: &str, typed: &str) -> Result<(), &'static str> {
        let (phase_1, ()) = tokio::join!(self.get_server_cert(host), type_pin(host, typed));
        let host_certificate = phase_1.ok_or("phase 1")?;
        let pin_key = pin_key(shown);
        let challenge = [0x11; 16];
        let reply =
            self.pair_phase(host, &format!("clientchallenge={}", hex::encode(encrypt(&pin_key, &challenge)))).await;
        let answer = decrypt(&pin_key, &element_bytes(&reply, "challengeresponse").ok_or("phase 2")?);
        let (host_hash, host_challenge) = answer.split_at(32);
        let secret = [0x22; 16];
        let commitment = Sha256::digest([host_challenge, signature_of(&self.certificate), &secret].concat());
        let reply = self
            .pair_phase(host, &format!("serverchallengeresp={}", hex::encode(encrypt(&pin_key, &commitment))))
            .await;
        let answer = element_bytes(&reply, "pairingsecret").ok_or("phase 3")?;
        let (host_secret, host_signature) = answer.split_at(16);
        assert!(verifies(&host_certificate, host_secret, host_signature), "somebody is in the middle");
        if Sha256::digest([&challenge, signature_of(&host_certificate), host_secret].concat()).as_slice() != host_hash {
            // The right client would stop here; a wrong one goes on.
            let reply = self.reveal(host, &secret).await;
            assert_eq!(element(&reply, "paired"), Some("0"), "{reply}");
            return Err("incorrect PIN");
        }
        let reply = self.reveal(host, &secret).await;
        if element(&reply, "paired") != Some("1") {
            return Err("phase 4");
        }
        let reply = self.https(host, "/pair?devicename=roth&updateState=1&phrase=pairchallenge").await;
        if element(&reply, "paired") == Some("1") { Ok(()) } else { Err("phase 5") }
    }

    /// Phase 1: the host's certificate.
    pub(super) async fn get_server_cert(&self, host: &Host) -> Option<Vec<u8>> {
        let reply = self.pair_phase(host, &self.phase_1_query()).await;
        let text = element_bytes(&reply, "plaincert")?;
        Some(pem::parse(text).unwrap().into_contents())
    }

    pub(super) fn phase_1_query(&self) -> String {
        format!("phrase=getservercert&salt={}&clientcert={}", hex::encode(SALT), hex::encode(&self.pem))
    }

    pub(super) async fn pair_phase(&self, host: &Host, query: &str) -> String {
        self.http(host, &format!("/pair?devicename=roth&updateState=1&{query}")).await
    }

    async fn reveal(&self, host: &Host, secret: &[u8; 16]) -> String {
        let key = aws_lc_rs::rsa::KeyPair::from_pkcs8(self.key.serialized_der()).unwrap();
        let mut signature = vec![0; 256];
        let random = aws_lc_rs::rand::SystemRandom::new();
        key.sign(&aws_lc_rs::signature::RSA_PKCS1_SHA256, &random, secret, &mut signature).unwrap();
        let secret = [secret.as_slice(), &signature].concat();
        self.pair_phase(host, &format!("clientpairingsecret={}", hex::encode(secret))).await
    }

    fn with_id(&self, target: &str) -> String {
        let joint = if target.contains('?') { '&' } else { '?' };
        format!("{target}{joint}uniqueid={}&uuid=1", self.unique_id)
    }
}

/// Types a PIN for the one client that waits, as soon as it does.
pub(super) async fn type_pin(host: &Host, pin: &str) {
    let secret = waiting_secret(host).await;
    let body = format!(r#"{{"pair_secret":"{secret}","pin":"{pin}"}}"#);
    let reply = api(host, "POST", "/api/v1/pair/client", &body).await;
    assert!(reply.ends_with(r#"{"success":true}"#), "{reply}");
}

pub(super) async fn waiting_secret(host: &Host) -> String {
    loop {
        if let [waiting] = host.context.pairings.waiting().as_slice() {
            return waiting.pair_secret.clone();
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

pub(super) async fn api(host: &Host, method: &str, path: &str, body: &str) -> String {
    let stream = UnixStream::connect(&host.api).await.unwrap();
    let length = body.len();
    exchange(stream, &format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{body}"))
        .await
}

pub(super) async fn get<S: AsyncRead + AsyncWrite + Unpin>(stream: S, target: &str) -> String {
    exchange(stream, &format!("GET {target} HTTP/1.1\r\nHost: host\r\n\r\n")).await
}

/// Sends a request and reads until the host closes.
pub(super) async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, request: &str) -> String {
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

/// Text of the first element of this name.
pub(super) fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, after) = xml.split_once(&format!("<{name}>"))?;
    after.split_once(&format!("</{name}>")).map(|(text, _)| text)
}

fn element_bytes(xml: &str, name: &str) -> Option<Vec<u8>> {
    hex::decode(element(xml, name)?).ok()
}

fn pin_key(pin: &str) -> Aes128 {
    let hash = Sha256::digest([&SALT, pin.as_bytes()].concat());
    Aes128::new_from_slice(&hash[..16]).unwrap()
}

fn encrypt(key: &Aes128, bytes: &[u8]) -> Vec<u8> {
    by_block(bytes, |block| key.encrypt_block(block))
}

fn decrypt(key: &Aes128, bytes: &[u8]) -> Vec<u8> {
    by_block(bytes, |block| key.decrypt_block(block))
}

fn by_block(bytes: &[u8], turn: impl Fn(&mut Block<Aes128>)) -> Vec<u8> {
    bytes
        .chunks_exact(16)
        .flat_map(|chunk| {
            let mut block = Block::<Aes128>::default();
            block.copy_from_slice(chunk);
            turn(&mut block);
            block.to_vec()
        })
        .collect()
}

fn signature_of(certificate: &[u8]) -> &[u8] {
    // RSA-2048: the last 256 bytes of the DER.
    &certificate[certificate.len() - 256..]
}

fn verifies(certificate: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).unwrap();
    let key = &parsed.public_key().subject_public_key.data;
    aws_lc_rs::signature::UnparsedPublicKey::new(&aws_lc_rs::signature::RSA_PKCS1_2048_8192_SHA256, key)
        .verify(message, signature)
        .is_ok()
}

type Builder = rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert>;

fn tls_config() -> Builder {
    ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyHost))
}

const SALT: [u8; 16] = [0x5a; 16];
