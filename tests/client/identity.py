"""Who the client is: an RSA key, a self-signed certificate, and the hosts it knows.

The same kind of certificate that Moonlight makes: RSA-2048, SHA-256, twenty
years, one fixed common name. A directory holds it, so that a test can be the
same client again or many different ones.
"""

import datetime
import os
import secrets
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID


class Identity:
    """A client, kept in a directory and made on first use."""

    def __init__(self, directory):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.key_path = self.directory / "key.pem"
        self.certificate_path = self.directory / "certificate.pem"
        if not self.certificate_path.exists():
            self._make()
        self.key = serialization.load_pem_private_key(self.key_path.read_bytes(), None)
        self.certificate_pem = self.certificate_path.read_bytes()
        self.certificate = x509.load_pem_x509_certificate(self.certificate_pem)
        self.unique_id = (self.directory / "unique_id").read_text()

    def host_certificate(self, host_id):
        """The DER certificate that was pinned when pairing with a host, or None."""
        path = self._host_path(host_id)
        if not path.exists():
            return None
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
        return certificate.public_bytes(serialization.Encoding.DER)

    def remember_host(self, host_id, certificate_pem):
        """Pins a host's certificate."""
        self._host_path(host_id).write_bytes(certificate_pem)

    def forget_host(self, host_id):
        """Drops the pin."""
        self._host_path(host_id).unlink(missing_ok=True)

    def _host_path(self, host_id):
        safe = "".join(c if c.isalnum() or c == "-" else "_" for c in host_id)
        return self.directory / f"host-{safe}.pem"

    def _make(self):
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "NVIDIA GameStream Client")])
        begin = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=1)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(begin + datetime.timedelta(days=20 * 365))
            .sign(key, hashes.SHA256())
        )
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        _write(self.key_path, private)
        _write(self.directory / "unique_id", secrets.token_hex(8).encode())
        # Last: its presence says that the identity is complete.
        _write(self.certificate_path, certificate.public_bytes(serialization.Encoding.PEM))


def _write(path, content):
    temporary = path.with_suffix(".new")
    temporary.touch(mode=0o600)
    temporary.write_bytes(content)
    os.replace(temporary, path)
