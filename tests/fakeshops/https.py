"""One HTTPS server on this machine that answers for several hosts, each with a WSGI application of its own."""

from __future__ import annotations

import http.client
import ipaddress
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock, Thread
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Response

Application = Callable[..., Any]


class Hosts:
    """The applications by host, to be changed from test to test; host, method, path and headers of what was asked."""

    def __init__(self) -> None:
        self.port = 0
        self.applications: dict[str, Application] = {}
        self.requests: list[tuple[str, str, str, dict[str, str]]] = []
        self._open = 0
        self._changed_at = time.monotonic()
        self._lock = Lock()

    def __call__(self, environ: Mapping[str, Any], start_response: Any) -> Any:
        """Answer, as WSGI wants it."""
        host = environ["HTTP_HOST"]
        headers = {name[5:].replace("_", "-").lower(): text for name, text in environ.items() if name[:5] == "HTTP_"}
        headers["content-type"] = environ.get("CONTENT_TYPE", "")
        application = self.applications.get(host, Response("no such host", 404))
        with self._counted():
            answer = application(environ, start_response)
        self.requests.append((host, environ["REQUEST_METHOD"], environ["PATH_INFO"], headers))
        return answer

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self._count(1)
        try:
            yield
        finally:
            self._count(-1)

    def _count(self, more: int) -> None:
        with self._lock:
            self._open += more
            self._changed_at = time.monotonic()

    def quiet_for(self) -> float:
        """Return for how many seconds nothing has been asked and nothing been answered; 0 while something is open."""
        with self._lock:
            return 0.0 if self._open else time.monotonic() - self._changed_at

    def asked(self, host: str, path: str) -> list[dict[str, str]]:
        """Return the headers of every request for this host and path, without preflights."""
        return [
            headers
            for found_host, method, found_path, headers in self.requests
            if (found_host, found_path) == (host, path) and method != "OPTIONS"
        ]

    def post(self, host: str, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """Post as a server would, and return the answer's status and body."""
        context = ssl._create_unverified_context()  # noqa: S323  # Our own certificate, made just now.
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=context, timeout=20)
        try:
            connection.request("POST", path, body, {"Host": host, **headers})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


class _Quiet(WSGIRequestHandler):
    """Writes no line for each request."""

    def log(self, *_words: Any) -> None:
        """Say nothing."""

    def connection_dropped(self, *_words: Any) -> None:
        """Say nothing: a browser that leaves a page drops its requests."""


@contextmanager
def served(folder: Path) -> Iterator[Hosts]:
    """Serve on a free port of 127.0.0.1 until the block ends."""
    hosts = Hosts()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_certificate(folder))
    server = make_server("127.0.0.1", 0, hosts, threaded=True, request_handler=_Quiet, ssl_context=context)
    hosts.port = server.server_port
    thread = Thread(target=server.serve_forever, args=(0.02,), name="hosts")
    thread.start()
    try:
        yield hosts
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _certificate(folder: Path) -> Path:
    """Make a key and a certificate that nobody trusts, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests of the order adapter")])
    now = datetime.now(UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(text + certificate.public_bytes(serialization.Encoding.PEM))
    return path
