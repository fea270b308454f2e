"""The sandbox over HTTP."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

import pytest
import requests

from adapter.axon.sandbox import Sandbox
from adapter.axon.sandbox.api import ConversionApi
from adapter.axon.sandbox.server import SandboxServer

if TYPE_CHECKING:
    from tests.axon.sandbox.conftest import Client, Clock

Make = Callable[..., dict[str, Any]]


def raw(sandbox: Sandbox, sent: bytes) -> bytes:
    """Send bytes, half-close, and return everything that comes back."""
    port = int(sandbox.base_url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: client.recv(65536), b""))


def test_a_purchase_is_processed_and_shown(client: Client, purchase: Make) -> None:
    """A good request is answered 200 and stands in /received as it was sent."""
    assert client.send(purchase()) == (200, {"processed": 1})
    status, shown = client.get("/received")
    assert status == 200
    (event,) = shown["events"]
    assert purchase() == event["event"]
    assert (
        event["dedupe_id"],
        event["outcome"],
        event["pixel_id"],
        event["remarks"],
    ) == ("1001", "accepted", "pixel", [])
    assert (shown["requests"], shown["purchases"], shown["value_by_currency"]) == (1, 1, {"USD": "30"})


def test_requests_reaches_it_too(sandbox: Sandbox, purchase: Make) -> None:
    """The client library that senders use gets its 200 on one session, with a bare list."""
    with requests.Session() as session:
        for _ in range(2):
            answer = session.post(
                sandbox.url, params={"pixel_id": "pixel"}, json=[purchase()], headers={"Authorization": "key"}
            )
            assert answer.status_code == 200
    assert [event["outcome"] for event in sandbox.received()["events"]] == ["accepted", "merged"]


def test_a_refusal_says_where(client: Client, purchase: Make) -> None:
    """A 400 carries the error headers, a trace id and the place of the fault."""
    body = json.dumps([purchase({"user_data.esi": "tv"})]).encode()
    answer = client.ask("POST", "/v1/event?pixel_id=pixel", body, Authorization="key")
    assert answer.status == 400
    assert answer.headers["x-al-error-code"] == "400"
    assert answer.headers["x-al-error-message"] == "events[0].user_data.esi must be one of web, app"
    assert answer.headers["X-TRACE-ID"] == "sandbox-00000000"
    error = json.loads(answer.read())["error"]
    assert error == {"message": "must be one of web, app", "event": 0, "path": "user_data.esi"}


@pytest.mark.parametrize("target", ["/v1/event", "/v1/event?pixel_id=", "/v1/event?pixel=pixel"])
def test_without_a_pixel_id_authentication_fails(client: Client, purchase: Make, target: str) -> None:
    """The pixel id stands in the query and nowhere else."""
    body = json.dumps([purchase()]).encode()
    answer = client.ask("POST", target, body, Authorization="key")
    answer.read()
    assert answer.status == 401


def test_without_a_key_authentication_fails(client: Client) -> None:
    """A request without Authorization is 401, and the connection goes on."""
    for _ in range(2):
        answer = client.ask("POST", "/v1/event?pixel_id=pixel", b"[]")
        answer.read()
        assert answer.status == 401


def test_five_minutes_by_the_sandboxs_clock(client: Client, clock: Clock, purchase: Make) -> None:
    """Sent again at once an event is merged, after five minutes it is ignored: both are answered 200."""
    for minutes in (0, 5, 1):
        clock.move(minutes=minutes)
        assert client.send(purchase())[0] == 200
    _, shown = client.get("/received")
    assert [event["outcome"] for event in shown["events"]] == ["accepted", "merged", "ignored"]
    assert shown["purchases"] == 1


def test_since_and_count(client: Client, purchase: Make) -> None:
    """Whoever waits for events asks for the figures, or for what is new."""
    client.send(purchase(), purchase({"dedupe_id": "2"}))
    assert client.get("/received/count") == (200, {"requests": 1, "events": 2, "purchases": 2})
    assert [event["dedupe_id"] for event in client.get("/received?since=1")[1]["events"]] == ["2"]


@pytest.mark.parametrize("since", ["-1", "x", "1.5", "9" * 30])
def test_since_is_an_index(client: Client, since: str) -> None:
    """Anything but an index is refused with what it should be."""
    status, answer = client.get(f"/received?since={since}")
    assert (status, "index" in answer["error"]) == (400, True)


def test_reset_forgets(client: Client, purchase: Make) -> None:
    """After POST /reset nothing was received."""
    client.send(purchase())
    client.ask("POST", "/reset").read()
    assert client.get("/received/count")[1] == {"requests": 0, "events": 0, "purchases": 0}


def test_misbehaviour_is_told_and_ended(client: Client, purchase: Make) -> None:
    """POST /misbehave makes it misbehave, {} ends it, and the batch wasn't processed meanwhile."""
    told = json.dumps({"status": 503, "headers": {"Retry-After": "7"}, "body": "busy"}).encode()
    client.ask("POST", "/misbehave", told).read()
    answer = client.ask("POST", "/v1/event?pixel_id=pixel", b"[]", Authorization="key")
    assert (answer.status, answer.headers["Retry-After"], answer.read()) == (503, "7", b"busy")
    client.ask("POST", "/misbehave", b"{}").read()
    assert client.send(purchase()) == (200, {"processed": 1})


def test_an_unknown_misbehaviour_is_refused(client: Client) -> None:
    """What it doesn't know is a 400 that names the field."""
    answer = client.ask("POST", "/misbehave", b'{"explode": true}')
    assert answer.status == 400
    assert "explode" in json.loads(answer.read())["error"]


@pytest.mark.parametrize("reset", ["before", "after_processing"])
def test_a_reset_reaches_the_client(sandbox: Sandbox, client: Client, purchase: Make, reset: str) -> None:
    """The client sees a RST; processed or not, the same event sent again counts once."""
    sandbox.misbehave(reset=reset, times=1)
    with pytest.raises(ConnectionResetError):
        client.send(purchase())
    client.connection.close()
    assert client.send(purchase())[0] == 200
    assert sandbox.received()["purchases"] == 1


def test_a_reset_amid_the_answer_reaches_the_client(sandbox: Sandbox, client: Client, purchase: Make) -> None:
    """After half of the answer the client sees a RST."""
    sandbox.misbehave(reset="mid_answer")
    with pytest.raises(ConnectionResetError):
        client.send(purchase())


def test_a_client_that_gives_up_waiting(sandbox: Sandbox, client: Client, purchase: Make) -> None:
    """A hang processes and never answers; the client's time-out leaves the sandbox well."""
    sandbox.misbehave(hang=True, times=1)
    client.connection.timeout = 0.05
    with pytest.raises(TimeoutError):
        client.send(purchase())
    client.connection.close()
    client.connection.timeout = 5
    assert client.send(purchase())[0] == 200
    assert [event["outcome"] for event in sandbox.received()["events"]] == ["accepted", "merged"]


def test_a_body_that_is_too_large_gets_its_answer(client: Client) -> None:
    """A body of more than 8 MiB is 413, readable by a client that sends it whole; the connection goes on."""
    answer = client.ask("POST", "/v1/event?pixel_id=pixel", b" " * (8 * 2**20 + 1), Authorization="key")
    answer.read()
    assert answer.status == 413
    assert client.get("/received")[1]["batches"][0]["status"] == 413


def test_a_client_that_goes_away_in_a_large_body(sandbox: Sandbox) -> None:
    """A large body that never comes is answered 413 and held in no memory."""
    head = b"POST /v1/event HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n"
    assert raw(sandbox, head).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"Transfer-Encoding: chunked", b"411"),
        (b"Content-Length: ten", b"400"),
        (b"Content-Length: -1", b"400"),
        (b"Content-Length: " + b"9" * 30, b"400"),
    ],
)
def test_a_body_without_a_length(sandbox: Sandbox, head: bytes, status: bytes) -> None:
    """A body whose end isn't known is refused, and nothing after it is read as a request."""
    sent = b"POST /v1/event HTTP/1.1\r\n" + head + b"\r\n\r\nGET /received HTTP/1.1\r\n\r\n"
    answer = raw(sandbox, sent)
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert sandbox.received()["requests"] == 0


def test_half_a_body_never_came(sandbox: Sandbox) -> None:
    """A client that goes away in the middle of its body gets no answer and leaves no trace."""
    head = b"POST /v1/event?pixel_id=pixel HTTP/1.1\r\nAuthorization: key\r\nContent-Length: 100\r\n\r\n"
    assert raw(sandbox, head + b'{"events"') == b""
    assert sandbox.received()["requests"] == 0


def test_no_body_is_no_event(sandbox: Sandbox) -> None:
    """A POST without any body is a 400 like any other that isn't JSON."""
    head = b"POST /v1/event?pixel_id=pixel HTTP/1.1\r\nAuthorization: key\r\n\r\n"
    assert raw(sandbox, head).startswith(b"HTTP/1.1 400 ")


def test_pipelined_requests_are_answered_in_turn(sandbox: Sandbox) -> None:
    """Two requests in one packet get two answers on one connection."""
    one = b"GET /received/count HTTP/1.1\r\n\r\n"
    assert raw(sandbox, one + one).count(b"HTTP/1.1 200 OK") == 2


@pytest.mark.parametrize(("method", "target"), [("GET", "/v1/event"), ("POST", "/received"), ("GET", "/")])
def test_other_routes_do_not_exist(client: Client, method: str, target: str) -> None:
    """What isn't a route is 404, in JSON."""
    answer = client.ask(method, target)
    assert (answer.status, list(json.loads(answer.read()))) == (404, ["error"])


@pytest.mark.parametrize(("sent", "status"), [(b"PUT /reset HTTP/1.1\r\n\r\n", b"501"), (b"nonsense\r\n", b"400")])
def test_what_is_hardly_http(sandbox: Sandbox, sent: bytes, status: bytes) -> None:
    """Other methods and other protocols are refused, silently for the log."""
    assert status in raw(sandbox, sent)


def test_many_clients_at_once(sandbox: Sandbox, purchase: Make) -> None:
    """Twenty clients sending the same fifty purchases leave exactly fifty."""
    port = int(sandbox.base_url.rpartition(":")[2])
    body = json.dumps([purchase({"dedupe_id": str(number)}) for number in range(50)]).encode()

    def send(_number: int) -> int:
        connection = HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("POST", "/v1/event?pixel_id=pixel", body, {"Authorization": "key"})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer.status

    with ThreadPoolExecutor(20) as pool:
        assert {200} == set(pool.map(send, range(20)))
    shown = sandbox.received()
    assert (shown["requests"], len(shown["events"]), shown["purchases"]) == (20, 1000, 50)
    assert shown["value_by_currency"] == {"USD": "1500"}


def test_only_this_machine_is_served(sandbox: Sandbox) -> None:
    """It listens on the loopback address alone."""
    assert sandbox.base_url.startswith("http://127.0.0.1:")
    assert sandbox._running is not None  # The seam that holds the listening socket.
    assert sandbox._running[0].socket.getsockname()[0] == "127.0.0.1"


def test_its_own_faults_are_shown(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    """A fault in the sandbox is printed; a client that went away isn't."""
    server = SandboxServer(ConversionApi(None, clock, None, 0, ()), 0)
    for error in (ConnectionResetError("gone"), ZeroDivisionError("a fault of ours")):
        try:
            raise error
        except (ConnectionResetError, ZeroDivisionError):
            server.handle_error(None, ("127.0.0.1", 1))
    server.server_close()
    printed = capsys.readouterr().err
    assert "a fault of ours" in printed
    assert "gone" not in printed


def test_ending_a_connection_that_its_client_ended(clock: Clock) -> None:
    """A connection that is gone already doesn't stop the others from being ended."""
    server = SandboxServer(ConversionApi(None, clock, None, 0, ()), 0)
    unconnected, (ours, theirs) = socket.socket(), socket.socketpair()
    # The seam: the open connections, here without a thread that would close them.
    server._connections.update({unconnected, ours})
    server.end_connections()
    assert theirs.recv(1) == b""
    for end in (unconnected, ours, theirs):
        end.close()
    server.server_close()
