//! TLS as Moonlight clients expect it of a host.
//!
//! Any client certificate, or none, passes the handshake, because a failed
//! handshake makes clients show the host as offline; what a connection may do
//! is decided by the certificate's fingerprint afterwards. The signature that
//! proves possession of the key is checked always. No ALPN: `h2` must not be
//! offered. No resumption: every connection carries one request, and a ticket
//! would outlive the pairing it was made for (protocol notes: TLS and who the
//! client is).

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::NoServerSessionStorage;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, ServerConfig, SignatureScheme};

use crate::host::client_certificate::PublicKey;
use crate::host::identity::Identity;

/// How the HTTPS port speaks TLS.
///
/// # Errors
/// If the identity's key does not fit its certificate.
pub fn server_config(identity: &Identity) -> Result<Arc<ServerConfig>, rustls::Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = AnyClient { algorithms: provider.signature_verification_algorithms };
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
        .with_client_cert_verifier(Arc::new(verifier))
        .with_single_cert(vec![identity.certificate().clone()], identity.private_key())?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

/// How the API's TCP port speaks TLS: callers show no certificate.
///
/// # Errors
/// If the key does not fit the certificate.
pub fn api_config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Arc<ServerConfig>, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

/// Accepts every certificate whose key the client has.
#[derive(Debug)]
struct AnyClient {
    algorithms: WebPkiSupportedAlgorithms,
}

impl ClientCertVerifier for AnyClient {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let key = public_key(certificate)?;
        let algorithms = self.algorithms.mapping.iter().filter(|(scheme, _)| *scheme == signed.scheme);
        // TLS 1.2 does not say which curve goes with which hash: try those
        // that fit the key.
        let valid = algorithms
            .flat_map(|(_, algorithms)| algorithms.iter())
            .filter(|algorithm| algorithm.public_key_alg_id().as_ref() == key.algorithm())
            .any(|algorithm| algorithm.verify_signature(key.key(), message, signed.signature()).is_ok());
        if valid { Ok(HandshakeSignatureValid::assertion()) } else { Err(CertificateError::BadSignature.into()) }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let key = public_key(certificate)?.info();
        verify_tls13_signature_with_raw_key(message, &key, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

fn public_key<'a>(certificate: &'a CertificateDer<'_>) -> Result<PublicKey<'a>, rustls::Error> {
    PublicKey::find(certificate).ok_or_else(|| CertificateError::BadEncoding.into())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rustls::pki_types::PrivatePkcs8KeyDer;
    use rustls::sign::{CertifiedKey, SingleCertAndKey};
    use rustls::{ClientConfig, ProtocolVersion, SupportedProtocolVersion};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
    use tokio_rustls::TlsConnector;

    use super::*;
    use crate::host::http::handshake::Handshakes;
    use crate::host::http_tests::any_host::AnyHost;

    /// A client certificate with its key.
    struct Client {
        certificate: CertificateDer<'static>,
        key: rcgen::KeyPair,
    }

    fn rsa_key() -> rcgen::KeyPair {
        rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap()
    }

    fn client(key: rcgen::KeyPair, change: impl FnOnce(&mut rcgen::CertificateParams)) -> Client {
        let mut parameters = rcgen::CertificateParams::default();
        change(&mut parameters);
        let certificate = parameters.self_signed(&key).unwrap().der().clone();
        Client { certificate, key }
    }

    /// DER of one element with up to 64 KiB of content.
    fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
        let content = parts.concat();
        let [high, low] = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&[tag, 0x82, high, low], content.as_slice()].concat()
    }

    /// A version 1 certificate: no version, no extensions; empty names, serial
    /// 0, no dates worth the name, and a signature that is not one.
    fn version_1() -> Client {
        let key = rsa_key();
        let algorithm = element(0x30, &[&[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11, 5, 0]]);
        let serial = [2, 1, 0];
        let date = element(0x17, &[b"991231235959Z"]);
        let validity = element(0x30, &[&date, &date]);
        let name = element(0x30, &[]);
        let public = rcgen::PublicKeyData::subject_public_key_info(&key);
        let body = element(0x30, &[&serial, &algorithm, &name, &validity, &name, &public]);
        let signature = element(0x03, &[&[0], &[0x55; 256]]);
        let certificate = CertificateDer::from(element(0x30, &[&body, &algorithm, &signature]));
        Client { certificate, key }
    }

    fn client_config(version: &'static SupportedProtocolVersion, client: Option<(&Client, &[u8])>) -> ClientConfig {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[version])
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyHost));
        let Some((client, key)) = client else { return builder.with_no_client_auth() };
        let key = provider.key_provider.load_private_key(PrivatePkcs8KeyDer::from(key.to_vec()).into()).unwrap();
        let certified = CertifiedKey::new(vec![client.certificate.clone()], key);
        builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(certified)))
    }

    /// What the host sees after a handshake: `None` if it failed, else the
    /// version and the client's certificate.
    type Seen = Option<(Option<ProtocolVersion>, Option<CertificateDer<'static>>)>;

    async fn handshake(config: ClientConfig) -> Seen {
        let dir = tempfile::tempdir().unwrap();
        let identity = Identity::load_or_create(&dir.path().join("identity.json")).unwrap();
        let server = server_config(&identity).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let client = tokio::spawn(async move {
            let stream = TcpStream::connect(address).await.unwrap();
            let connector = TlsConnector::from(Arc::new(config));
            let mut stream = connector.connect("host.test".try_into().unwrap(), stream).await.ok()?;
            stream.write_all(b"x").await.ok()?;
            let _ = stream.read(&mut [0; 1]).await;
            Some(())
        });
        let (stream, _) = listener.accept().await.unwrap();
        let handshakes = Handshakes::start(16).unwrap();
        let stream = handshakes.accept(stream, server, Duration::from_secs(10)).await;
        let seen = stream.map(|stream| {
            let connection = stream.get_ref().1;
            let certificate = connection.peer_certificates().and_then(|chain| chain.first());
            (connection.protocol_version(), certificate.map(|der| der.clone().into_owned()))
        });
        client.await.unwrap();
        seen
    }

    #[tokio::test]
    async fn odd_certificates_pass_with_either_version_of_tls() {
        let long_ago = rcgen::date_time_ymd(1999, 1, 1);
        let clients = [
            client(rsa_key(), |_| {}),
            client(rsa_key(), |parameters| (parameters.not_before, parameters.not_after) = (long_ago, long_ago)),
            client(rsa_key(), |parameters| parameters.serial_number = Some(vec![0].into())),
            client(rsa_key(), |parameters| parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Constrained(0))),
            client(rcgen::KeyPair::generate().unwrap(), |_| {}),
            version_1(),
        ];
        for (index, client) in clients.iter().enumerate() {
            for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
                let config = client_config(version, Some((client, client.key.serialized_der())));
                let seen = handshake(config).await;
                let expected = (Some(version.version), Some(client.certificate.clone()));
                assert_eq!(seen, Some(expected), "client {index} with {:?}", version.version);
            }
        }
    }

    #[tokio::test]
    async fn client_without_a_certificate_passes() {
        let seen = handshake(client_config(&rustls::version::TLS13, None)).await;
        assert_eq!(seen, Some((Some(ProtocolVersion::TLSv1_3), None)));
    }

    #[tokio::test]
    async fn certificate_of_another_ones_key_is_refused() {
        let (owner, thief) = (client(rsa_key(), |_| {}), rsa_key());
        for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
            let config = client_config(version, Some((&owner, thief.serialized_der())));
            assert_eq!(handshake(config).await, None, "{:?}", version.version);
        }
    }

    #[tokio::test]
    async fn junk_in_place_of_a_certificate_is_refused() {
        let mut junk = client(rsa_key(), |_| {});
        junk.certificate = CertificateDer::from(vec![0x30, 0x03, 1, 2, 3]);
        let config = client_config(&rustls::version::TLS13, Some((&junk, junk.key.serialized_der())));
        assert_eq!(handshake(config).await, None);
    }
}
