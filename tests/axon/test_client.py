"""The client against real sockets: what it sends to the byte, and how each end of a try is classed."""

from __future__ import annotations

import datetime as dt
import json
import os
import socket
import ssl
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from typing import Any, Literal

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from adapter.axon.client import LONGEST_ANSWER, AxonClient, Patience
from adapter.axon.outcome import Outcome, Verdict
from adapter.axon.sandbox import Sandbox

PIXEL, KEY = "pixel-1", "an invented key"
EVENT = json.dumps(
    {
        "name": "purchase",
        "event_time": 1777636800000,
        "event_source_url": "https://shop.example/thanks",
        "dedupe_id": "1001",
        "user_data": {
            "client_ip_address": "203.0.113.9",
            "client_user_agent": "Mozilla/5.0",
            "esi": "web",
            "client_id": "browser-1",
        },
        "data": {
            "currency": "USD",
            "value": 30,
            "shipping": 5.99,
            "tax": 6,
            "transaction_id": "1001",
            "items": [{"item_id": "PROD-456", "price": 15, "quantity": 2}],
        },
    }
).encode()
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
QUICK = Patience(connect=0.4, read=0.3, total=0.5)

Serve = Callable[[socket.socket, bytes], None]


class Listener:
    """A server on 127.0.0.1 that does with each request what a test says, and remembers the bytes of all."""

    def __init__(self, serve: Serve, context: ssl.SSLContext | None = None) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self._serve = serve
        self._context = context
        self._socket = self._connection = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = Thread(target=self._accept)
        self._thread.start()

    @property
    def url(self) -> str:
        """The address to send events to."""
        return f"{'https' if self._context else 'http'}://127.0.0.1:{self.port}/v1/event"

    def stop(self) -> None:
        """End the connection that is open, and the thread."""
        for open_socket in (self._socket, self._connection):
            with suppress(OSError):
                open_socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                self._connection = connection
                self.connections += 1
                self._converse(connection)

    def _converse(self, connection: socket.socket) -> None:
        connection.settimeout(5)
        try:
            if self._context:
                self._connection = connection = self._context.wrap_socket(connection, server_side=True)
            with connection:
                while request := _read_request(connection):
                    self.requests.append(request)
                    self._serve(connection, request)
        except OSError:
            return


def _read_request(connection: socket.socket) -> bytes:
    """Return one request with its body, b"" when there is none any more."""
    request = b""
    while b"\r\n\r\n" not in request:
        if not (piece := connection.recv(65536)):
            return b""
        request += piece
    head, _, body = request.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


@contextmanager
def listening(serve: Serve, context: ssl.SSLContext | None = None) -> Iterator[Listener]:
    """Run such a server."""
    listener = Listener(serve, context)
    try:
        yield listener
    finally:
        listener.stop()


def answering(*pieces: bytes) -> Serve:
    """Return what answers each request with these bytes, and keeps the connection."""
    return lambda connection, _: connection.sendall(b"".join(pieces))


def dripping(answer: bytes, seconds: float) -> Serve:
    """Return what answers byte by byte."""

    def serve(connection: socket.socket, _: bytes) -> None:
        for byte in answer:
            connection.sendall(bytes((byte,)))
            sleep(seconds)

    return serve


@pytest.fixture
def client() -> Iterator[AxonClient]:
    """Yield a client with a fixed clock; the other side of these tests answers at once."""
    made = AxonClient(lambda: datetime(2026, 5, 1, 12, tzinfo=UTC))
    yield made
    made.close()


@pytest.fixture
def hasty() -> Iterator[AxonClient]:
    """Yield a client that gives up after half a second."""
    made = AxonClient(patience=QUICK)
    yield made
    made.close()


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Yield a running Conversion API."""
    with Sandbox({PIXEL: KEY}) as running:
        yield running


@pytest.mark.parametrize(
    ("envelope", "body"),
    [("events", b'{"events":[{"a":1},{"b":"\xc3\xbc"}]}'), ("list", b'[{"a":1},{"b":"\xc3\xbc"}]')],
)
def test_the_request_to_the_byte(client: AxonClient, envelope: Literal["events", "list"], body: bytes) -> None:
    """POST with the pixel id in the query, the raw key in Authorization, and the events' own bytes in the body."""
    with listening(answering(OK)) as server:
        events = (b'{"a":1}', '{"b":"ü"}'.encode())
        outcome = client.send(server.url, "pixel&1=ü", KEY, events, envelope)
    head, _, sent = server.requests[0].partition(b"\r\n\r\n")
    line, *headers = head.split(b"\r\n")
    assert Verdict.ACCEPTED is outcome.verdict
    assert b"POST /v1/event?pixel_id=pixel%261%3D%C3%BC HTTP/1.1" == line
    assert body == sent
    assert {
        f"Host: 127.0.0.1:{server.port}".encode(),
        b"Authorization: an invented key",
        b"Content-Type: application/json",
        b"Content-Length: %d" % len(body),
        b"Accept-Encoding: identity",
        b"User-Agent: order-adapter",
        b"Accept: */*",
        b"Connection: keep-alive",
    } == set(headers)


def test_the_sandbox_takes_what_the_client_sends(client: AxonClient, sandbox: Sandbox) -> None:
    """A server written from the API's page accepts the batch, and got the event's bytes as they are."""
    assert Verdict.ACCEPTED is client.send(sandbox.url, PIXEL, KEY, [EVENT]).verdict
    assert 1 == sandbox.received()["purchases"]
    assert Verdict.UNAUTHORIZED is client.send(sandbox.url, PIXEL, "another key", [EVENT]).verdict


def test_a_kept_connection_serves_the_next_batch(client: AxonClient) -> None:
    """Two batches cost one connection."""
    with listening(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")) as server:
        client.send(server.url, PIXEL, KEY, [EVENT])
        client.send(server.url, PIXEL, KEY, [EVENT])
    assert (1, 2) == (server.connections, len(server.requests))


def test_what_is_kept_of_an_answer(client: AxonClient, sandbox: Sandbox) -> None:
    """Status, error headers, trace id and the first 500 characters of the body, all made plain; and the wait."""
    headers = {"x-al-error-code": "17", "x-al-error-message": "bad\tevent", "x-trace-id": "t-1", "Retry-After": "9"}
    sandbox.misbehave(status=400, headers=headers, body="no\0pe\n" + "x" * 1000)
    expected = Outcome(
        verdict=Verdict.REFUSED,
        status=400,
        error_code="17",
        error_message="bad event",
        trace_id="t-1",
        body_start="no pe " + "x" * 494,
        retry_after=timedelta(seconds=9),
    )
    assert expected == client.send(sandbox.url, PIXEL, KEY, [EVENT])


@pytest.mark.parametrize("status", [200, 201, 204, 301, 304, 400, 401, 413, 429, 500])
def test_each_status_arrives_as_it_is(client: AxonClient, sandbox: Sandbox, status: int) -> None:
    """Also those without a body."""
    sandbox.misbehave(status=status, body="")
    assert status == client.send(sandbox.url, PIXEL, KEY, [EVENT]).status


def test_no_redirect_is_followed_and_the_key_stays_here(client: AxonClient) -> None:
    """A redirect to another host gets neither a request nor the key."""
    with listening(answering(OK)) as other:
        redirect = f"HTTP/1.1 307 Moved\r\nLocation: {other.url}\r\nContent-Length: 0\r\n\r\n".encode()
        with listening(answering(redirect)) as server:
            outcome = client.send(server.url, PIXEL, KEY, [EVENT])
    assert (Verdict.UNEXPECTED, 307) == (outcome.verdict, outcome.status)
    assert (1, 0) == (len(server.requests), other.connections)


def test_nothing_is_tried_again_by_the_library(client: AxonClient, sandbox: Sandbox) -> None:
    """One `send` is one request, also for what libraries like to repeat: a retry is the policy's to order."""
    for rule in ({"status": 503, "headers": {"Retry-After": "0"}}, {"status": 429}, {"reset": "after_processing"}):
        sandbox.reset()
        sandbox.misbehave(rule)
        assert Verdict.UNKNOWN is client.send(sandbox.url, PIXEL, KEY, [EVENT]).verdict
        assert 1 == sandbox.received()["requests"]


def test_a_stale_connection_is_an_unknown_outcome(client: AxonClient) -> None:
    """The server closes a kept connection just when the next batch is on its way: not a byte of an answer comes."""
    answers = iter([OK])

    def once(connection: socket.socket, _: bytes) -> None:
        if answer := next(answers, None):
            connection.sendall(answer)
        else:
            connection.close()

    with listening(once) as server:
        first, second = (client.send(server.url, PIXEL, KEY, [EVENT]) for _ in range(2))
    assert Verdict.ACCEPTED is first.verdict
    assert Outcome(verdict=Verdict.UNKNOWN, problem="the connection failed (ConnectionError)") == second


@pytest.mark.parametrize("cut", range(0, 200, 7))
def test_an_answer_cut_anywhere_is_unknown(client: AxonClient, sandbox: Sandbox, cut: int) -> None:
    """A reset in the status line, the headers or the body of a 200 neither delivers nor refuses."""
    sandbox.misbehave(reset="mid_answer", after_bytes=cut, headers={"X-Padding": "x" * 200})
    outcome = client.send(sandbox.url, PIXEL, KEY, [EVENT])
    assert (Verdict.UNKNOWN, None) == (outcome.verdict, outcome.status)


@pytest.mark.parametrize("status", [b"200 OK", b"400 Bad Request", b"401 Unauthorized"])
def test_an_end_within_the_headers_is_unknown(client: AxonClient, status: bytes) -> None:
    """A proper end, without a reset, before the empty line: http.client alone would take "HTTP/1.1 200" for a 200."""
    answer = b"HTTP/1.1 " + status + b"\r\nX-A: b\r\nContent-Length: 0\r\n\r\n"
    cuts = iter(range(len(answer)))

    def serve(connection: socket.socket, _: bytes) -> None:
        connection.sendall(answer[: next(cuts)])
        connection.close()

    with listening(serve) as server:
        outcomes = [client.send(server.url, PIXEL, KEY, [EVENT]) for _ in answer]
    assert {(Verdict.UNKNOWN, None)} == {(outcome.verdict, outcome.status) for outcome in outcomes}


def test_an_answer_that_ends_with_the_connection(client: AxonClient) -> None:
    """Whole headers are an answer, also when the end of the connection follows at once and no length was given."""

    def serve(connection: socket.socket, _: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        connection.close()

    with listening(serve) as server:
        outcomes = [client.send(server.url, PIXEL, KEY, [EVENT]) for _ in range(50)]
    assert {Verdict.ACCEPTED} == {outcome.verdict for outcome in outcomes}


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhal",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\n",
        b"HTTP/1.1 2",
        b"not http at all\r\n\r\n",
        b"",
    ],
)
def test_a_broken_answer_is_unknown(client: AxonClient, answer: bytes) -> None:
    """Truncated bodies, broken chunks and no HTTP at all: the batch may have been processed."""

    def serve(connection: socket.socket, _: bytes) -> None:
        connection.sendall(answer)
        connection.close()

    with listening(serve) as server:
        outcome = client.send(server.url, PIXEL, KEY, [EVENT])
    assert (Verdict.UNKNOWN, None) == (outcome.verdict, outcome.status)


def test_an_interim_answer_is_no_answer(client: AxonClient) -> None:
    """After a 103 the connection is closed: the 200 behind it can't be taken for the next batch's answer."""
    interim = b"HTTP/1.1 103 Early Hints\r\n\r\n"
    with listening(answering(interim)) as server:
        outcomes = [client.send(server.url, PIXEL, KEY, [EVENT]) for _ in range(2)]
    assert [(Verdict.UNKNOWN, 103)] * 2 == [(outcome.verdict, outcome.status) for outcome in outcomes]
    assert 2 == server.connections


@pytest.mark.parametrize(
    "answer", [OK, b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n" + b"x" * 900], ids=["headers", "body"]
)
def test_an_answer_of_a_byte_now_and_then_ends_by_the_deadline(hasty: AxonClient, answer: bytes) -> None:
    """Each read is quick, the whole would last for long: the total counts, in the headers and in the body."""
    with listening(dripping(answer, 0.03)) as server:
        began = monotonic()
        outcome = hasty.send(server.url, PIXEL, KEY, [EVENT])
        took = monotonic() - began
    assert Verdict.UNKNOWN is outcome.verdict
    assert 0.4 < took < 0.9


def test_a_body_that_drips_after_the_headers_ends_by_the_deadline(hasty: AxonClient) -> None:
    """A 200 whose body doesn't end in time is an answer cut short: unknown."""

    def serve(connection: socket.socket, _: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n")
        dripping(b"x" * 40, 0.03)(connection, b"")

    with listening(serve) as server:
        outcome = hasty.send(server.url, PIXEL, KEY, [EVENT])
    assert Verdict.UNKNOWN is outcome.verdict


def test_a_silent_server_is_left_after_the_time_for_one_read(hasty: AxonClient, sandbox: Sandbox) -> None:
    """The batch was processed, but no answer comes: unknown, with words for a person."""
    sandbox.misbehave(hang=True)
    began = monotonic()
    outcome = hasty.send(sandbox.url, PIXEL, KEY, [EVENT])
    assert 0.2 < monotonic() - began < 0.5
    assert Outcome(verdict=Verdict.UNKNOWN, problem="no answer in time") == outcome
    assert 1 == sandbox.received()["purchases"]


@pytest.mark.parametrize(
    "rule",
    [
        {"huge_answer_bytes": 50_000_000},
        {"huge_answer_bytes": 200_000_000, "gzip": True},
        {"huge_answer_bytes": 200_000_000, "gzip": True, "status": 302, "headers": {"Location": "http://127.0.0.1/"}},
    ],
    ids=["50 MB", "gzip bomb", "redirect with a gzip bomb"],
)
def test_a_huge_answer_needs_no_memory(client: AxonClient, sandbox: Sandbox, rule: dict[str, Any]) -> None:
    """The answer is read up to 64 kB and never unpacked; its status counts."""
    sandbox.misbehave(rule)
    tracemalloc.start()
    outcome = client.send(sandbox.url, PIXEL, KEY, [EVENT])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert rule.get("status", 200) == outcome.status
    assert peak < 3_000_000


def test_the_cap_of_what_is_read(client: AxonClient) -> None:
    """An answer of exactly the cap is read whole, and its connection is kept; a longer one closes it."""
    for length, connections in ((LONGEST_ANSWER - 1, 1), (LONGEST_ANSWER + 9000, 2)):
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % length
        with listening(answering(head, b"x" * length)) as server:
            outcomes = [client.send(server.url, PIXEL, KEY, [EVENT]) for _ in range(2)]
        assert [Verdict.ACCEPTED] * 2 == [outcome.verdict for outcome in outcomes]
        assert connections == server.connections


def test_a_refused_connection_is_unknown(client: AxonClient) -> None:
    """Nobody listens there."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    outcome = client.send(f"http://127.0.0.1:{port}/", PIXEL, KEY, [EVENT])
    assert Outcome(verdict=Verdict.UNKNOWN, problem="the connection failed (ConnectionError)") == outcome


def test_a_connection_that_nobody_takes_is_left_in_time(hasty: AxonClient) -> None:
    """The words say how long it was tried."""
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for filler in (first, second):
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        assert "no connection within 0.4 s" == hasty.send(url, PIXEL, KEY, [EVENT]).problem


@pytest.mark.parametrize("key", ["", "key\n", "key\r\nX-Forged: 1", " key", "key ", "schlüssel", "ключ", "k\0"])
def test_a_key_that_no_header_can_carry_is_our_own_fault(client: AxonClient, key: str) -> None:
    """Nothing is sent; the destination pauses as for a wrong key, instead of looking like a broken network."""
    with listening(answering(OK)) as server:
        outcome = client.send(server.url, PIXEL, key, [EVENT])
    assert (Verdict.UNAUTHORIZED, None, 0) == (outcome.verdict, outcome.status, server.connections)
    assert "the key has characters that no header can carry" == outcome.problem


def test_an_address_that_is_none_is_unknown(client: AxonClient) -> None:
    """Whatever stands in the settings, `send` returns."""
    for url in ("nonsense", "http://", "ftp://127.0.0.1/", f"http://{'x' * 70}.invalid/", "http://[::1"):
        assert Verdict.UNKNOWN is client.send(url, PIXEL, KEY, [EVENT]).verdict


def test_no_proxy_and_no_netrc_of_the_environment_count(
    client: AxonClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy would read along, and .netrc would replace the key: requests would take both by itself."""
    with listening(answering(OK)) as proxy, listening(answering(OK)) as server:
        netrc = tmp_path / "netrc"
        netrc.write_text("machine 127.0.0.1 login intruder password hunter2\n")
        netrc.chmod(0o600)
        monkeypatch.setenv("NETRC", str(netrc))
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        client.send(server.url, PIXEL, KEY, [EVENT])
    assert 0 == proxy.connections
    assert b"\r\nAuthorization: an invented key\r\n" in server.requests[0]


def test_no_cookie_is_kept(client: AxonClient) -> None:
    """Each request is the same, whatever an answer wants remembered."""
    with listening(answering(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n")) as server:
        client.send(server.url, PIXEL, KEY, [EVENT])
        client.send(server.url, PIXEL, KEY, [EVENT])
    assert server.requests[0] == server.requests[1]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with a key and a certificate for 127.0.0.1 that nobody signed but itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    file.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain) + made.public_bytes(pem),
    )
    return file


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    """Return the TLS side of a server with that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_nothing_goes_to_a_server_that_is_not_trusted(client: AxonClient, tls: ssl.SSLContext) -> None:
    """A certificate of nobody known: not a byte of the request leaves."""
    with listening(answering(OK), tls) as server:
        outcome = client.send(server.url, PIXEL, KEY, [EVENT])
    assert Outcome(verdict=Verdict.UNKNOWN, problem="the server's certificate isn't trusted") == outcome
    assert [] == server.requests


def test_a_ca_bundle_of_the_environment_does_not_count(
    client: AxonClient, tls: ssl.SSLContext, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who can set a variable can't make an intruder trusted."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", os.fspath(certificate))
    monkeypatch.setenv("CURL_CA_BUNDLE", os.fspath(certificate))
    with listening(answering(OK), tls) as server:
        assert Verdict.UNKNOWN is client.send(server.url, PIXEL, KEY, [EVENT]).verdict
    assert [] == server.requests


def test_the_deadline_holds_over_tls(hasty: AxonClient, tls: ssl.SSLContext, certificate: Path) -> None:
    """A trusted server is talked to; one that drips is left in time."""
    hasty._session.verify = os.fspath(certificate)
    with listening(answering(OK), tls) as server:
        assert Verdict.ACCEPTED is hasty.send(server.url, PIXEL, KEY, [EVENT]).verdict
    with listening(dripping(OK, 0.03), tls) as server:
        began = monotonic()
        assert Verdict.UNKNOWN is hasty.send(server.url, PIXEL, KEY, [EVENT]).verdict
        assert monotonic() - began < 0.9


def test_a_handshake_that_never_ends_is_left_in_time(hasty: AxonClient) -> None:
    """The server takes the connection and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        began = monotonic()
        outcome = hasty.send(f"https://127.0.0.1:{listener.getsockname()[1]}/", PIXEL, KEY, [EVENT])
        assert monotonic() - began < 0.9
    assert Verdict.UNKNOWN is outcome.verdict


def test_the_usual_times_end_before_a_stopping_worker_is_killed() -> None:
    """Connecting and reading fit into the whole, and the whole into the 25 s a stopping worker has."""
    patience = Patience()
    assert patience.connect + patience.read <= patience.total < 25


@pytest.mark.parametrize(("date", "ahead"), [(b"Date: Fri, 01 May 2026 11:59:00 GMT\r\n", 60), (b"", None)])
def test_the_answers_clock(client: AxonClient, date: bytes, ahead: int | None) -> None:
    """How far our clock is ahead of the answer's Date comes with the answer."""
    with listening(answering(b"HTTP/1.1 200 OK\r\n" + date + b"Content-Length: 0\r\n\r\n")) as server:
        assert ahead == client.send(server.url, PIXEL, KEY, [EVENT]).clock_ahead
