"""The host's HTTP and HTTPS endpoints, as a client uses them.

Every call opens one connection with a deadline, as Moonlight does. Over HTTPS
the client shows its certificate, and takes only the certificate that pairing
pinned, by exact equality. Errors of the host are HTTP 200 with another
`status_code` in the XML.
"""

import http.client
import socket
import ssl
import uuid
import xml.etree.ElementTree as ElementTree
from urllib.parse import urlencode

from events import DriverError


class Refused(DriverError):
    """The host answered with a status code other than 200."""

    def __init__(self, command, status, message):
        super().__init__(f"{command}: host answered {status}: {message}")
        self.status = status
        self.message = message


class Host:
    """One host, seen by one client identity."""

    def __init__(self, address, http_port, identity, timeout=30.0):
        self.address = address
        self.http_port = http_port
        self.identity = identity
        self.timeout = timeout
        self._info = None

    def info(self):
        """serverinfo over plain HTTP, asked for once."""
        if self._info is None:
            self._info = fields(self.get("serverinfo", https=False))
        return self._info

    def https_port(self):
        """The HTTPS port that the host names."""
        return int(self.info().get("HttpsPort") or 47984)

    def get(self, command, query=None, https=True, timeout=None):
        """One request; the root element of the answer."""
        body = self.get_bytes(command, query, https, timeout)
        try:
            root = ElementTree.fromstring(body)
        except ElementTree.ParseError as error:
            raise DriverError(f"{command}: answer is not XML ({error}): {body[:200]!r}") from error
        status = int(root.get("status_code") or 0)
        if status != 200:
            raise Refused(command, status, root.get("status_message", ""))
        return root

    def get_bytes(self, command, query=None, https=True, timeout=None):
        """One request; the body of the answer."""
        asked = {"uniqueid": self.identity.unique_id, "uuid": uuid.uuid4().hex, **(query or {})}
        connection = self._connect(https, timeout or self.timeout)
        try:
            connection.request("GET", f"/{command}?{urlencode(asked, safe='-')}")
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise DriverError(f"{command}: {type(error).__name__}: {error}") from error
        finally:
            connection.close()
        if answer.status != 200:
            raise DriverError(f"{command}: HTTP {answer.status} {answer.reason}")
        return body

    def _connect(self, https, timeout):
        port = self.https_port() if https else self.http_port
        try:
            plain = socket.create_connection((self.address, port), timeout)
            stream = self._wrap(plain) if https else plain
        except OSError as error:
            raise DriverError(f"connect to {self.address}:{port}: {error}") from error
        connection = http.client.HTTPConnection(self.address, port, timeout=timeout)
        connection.sock = stream
        return connection

    def _wrap(self, plain):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE  # pinned by equality below
        context.load_cert_chain(self.identity.certificate_path, self.identity.key_path)
        stream = context.wrap_socket(plain)
        pinned = self.identity.host_certificate(self.info().get("uniqueid", ""))
        if pinned is not None and stream.getpeercert(binary_form=True) != pinned:
            stream.close()
            raise DriverError("the host shows another certificate than it did when pairing")
        return stream


def fields(root):
    """Text of the direct children, by tag."""
    return {child.tag: (child.text or "") for child in root}


def apps(root):
    """The apps of an applist answer."""
    found = []
    for app in root.findall("App"):
        one = fields(app)
        if "ID" not in one or "AppTitle" not in one:
            raise DriverError("applist has an App without ID or AppTitle: clients reject the whole list")
        found.append({"id": one["ID"], "title": one["AppTitle"], "hdr": one.get("IsHdrSupported", "0")})
    return found
