"""Pairing, the client's side: five requests that prove both ends know the PIN.

The names follow the protocol's own: the salted PIN makes an AES key, both sides
commit to a secret with a hash that covers their certificate's signature, and
only then show the secret. A wrong PIN is noticed here, after the third answer.
"""

import hashlib
import os

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from events import DriverError
from gamestream import fields


class WrongPin(DriverError):
    """The host's proof does not fit our PIN."""


def pair(host, pin, timeout):
    """Pairs and pins the host's certificate. `timeout` is how long, in seconds,
    the host's user may take to type the PIN."""
    try:
        return _pair(host, pin, timeout)
    except DriverError:
        _drop_pending(host)
        raise


def _pair(host, pin, timeout):
    salt = os.urandom(16)
    key = hashlib.sha256(salt + pin.encode()).digest()[:16]
    host_pem = _get_host_certificate(host, salt, timeout)
    host_certificate = x509.load_pem_x509_certificate(host_pem)

    challenge = os.urandom(16)
    answer = _phase(host, "challengeresponse", clientchallenge=_encrypt(key, challenge).hex())
    proof = _decrypt(key, bytes.fromhex(answer))
    host_hash, host_challenge = proof[:32], proof[32:48]

    secret = os.urandom(16)
    commitment = hashlib.sha256(host_challenge + host.identity.certificate.signature + secret).digest()
    answer = _phase(host, "pairingsecret", serverchallengeresp=_encrypt(key, commitment).hex())
    host_secret, signature = bytes.fromhex(answer)[:16], bytes.fromhex(answer)[16:]
    _check_signature(host_certificate, host_secret, signature)
    expected = hashlib.sha256(challenge + host_certificate.signature + host_secret).digest()
    if expected != host_hash:
        raise WrongPin("wrong PIN: the host's proof does not fit")

    signed = host.identity.key.sign(secret, padding.PKCS1v15(), hashes.SHA256())
    _phase(host, None, clientpairingsecret=(secret + signed).hex())

    host_id = host.info()["uniqueid"]
    host.identity.remember_host(host_id, host_pem)
    try:
        _expect_paired(host.get("pair", {**_COMMON, "phrase": "pairchallenge"}), "pairchallenge")
    except DriverError:
        host.identity.forget_host(host_id)
        raise
    return host_id


_COMMON = {"devicename": "roth", "updateState": "1"}


def _get_host_certificate(host, salt, timeout):
    query = {
        **_COMMON,
        "phrase": "getservercert",
        "salt": salt.hex(),
        "clientcert": host.identity.certificate_pem.hex(),
    }
    answer = _expect_paired(host.get("pair", query, https=False, timeout=timeout), "getservercert")
    if not answer.get("plaincert"):
        raise DriverError("getservercert: no plaincert, another pairing is in progress")
    return bytes.fromhex(answer["plaincert"])


def _phase(host, wanted, **query):
    name = next(iter(query))
    answer = _expect_paired(host.get("pair", {**_COMMON, **query}, https=False), name)
    if wanted is None:
        return None
    if not answer.get(wanted):
        raise DriverError(f"{name}: answer has no {wanted}")
    return answer[wanted]


def _expect_paired(root, phase):
    answer = fields(root)
    if answer.get("paired") != "1":
        raise DriverError(f"{phase}: the host answered paired={answer.get('paired')}")
    return answer


def _drop_pending(host):
    try:
        host.get_bytes("unpair", https=False, timeout=5)
    except DriverError:
        pass  # it is a courtesy: a host forgets pending pairings by itself


def _check_signature(certificate, message, signature):
    try:
        certificate.public_key().verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature as error:
        raise DriverError("the host's secret is not signed by its certificate") from error


def _encrypt(key, data):
    cipher = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    return cipher.update(data) + cipher.finalize()


def _decrypt(key, data):
    if len(data) != 48:
        raise DriverError(f"challengeresponse: {len(data)} bytes instead of 48")
    cipher = Cipher(algorithms.AES(key), modes.ECB()).decryptor()
    return cipher.update(data) + cipher.finalize()
