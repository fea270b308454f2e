"""Starting, stopping and asking a sandbox from Python."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any

import pytest
import requests

from adapter.axon.sandbox import MisbehaviourRefused, Sandbox, SandboxNotRunning, event_sha256, serve

Make = Callable[..., dict[str, Any]]


def send(sandbox: Sandbox, *events: object) -> int:
    """Send events with some credentials and return the status."""
    asked = {"pixel_id": "p"}
    return requests.post(
        sandbox.url, params=asked, json={"events": events}, headers={"Authorization": "k"}, timeout=5
    ).status_code


def test_it_runs_inside_with(purchase: Make) -> None:
    """Inside `with` it takes any pair of credentials; outside it has no address, and still tells what came."""
    with Sandbox() as sandbox:
        assert sandbox.url == f"{sandbox.base_url}/v1/event"
        assert send(sandbox, purchase({"data.value": 29.99})) == 200
    with pytest.raises(SandboxNotRunning, match=r"call start\(\)"):
        _ = sandbox.url
    (event,) = sandbox.received()["events"]
    assert Decimal("29.99") == event["event"]["data"]["value"]
    assert event["remarks"] == ["data.value is 29.99, and the sum of price x quantity is 30"]


def test_the_time_is_that_of_the_machine(purchase: Make) -> None:
    """Without a clock of its own the times are of today, in UTC."""
    with Sandbox() as sandbox:
        send(sandbox, purchase())
    assert sandbox.received()["events"][0]["at"].endswith("+00:00")


def test_it_keeps_its_port_and_memory_over_a_stop(purchase: Make) -> None:
    """An API that is down and comes back is the same API."""
    sandbox = Sandbox()
    sandbox.start()
    url = sandbox.url
    send(sandbox, purchase())
    sandbox.stop()
    with pytest.raises(requests.ConnectionError):
        requests.post(url, timeout=5)
    with sandbox:
        assert url == sandbox.url
        send(sandbox, purchase())
    assert [event["outcome"] for event in sandbox.received()["events"]] == ["accepted", "merged"]


def test_starting_and_stopping_twice_is_once() -> None:
    """A second start or stop changes nothing."""
    sandbox = Sandbox()
    sandbox.start()
    url = sandbox.url
    sandbox.start()
    assert url == sandbox.url
    sandbox.stop()
    sandbox.stop()


def test_stop_ends_open_connections_quickly(purchase: Make) -> None:
    """A hanging answer and an idle connection don't hold the stop up, and no thread is left."""
    before = set(threading.enumerate())
    with Sandbox(misbehaviour={"hang": True}) as sandbox:
        address = ("127.0.0.1", int(sandbox.base_url.rpartition(":")[2]))
        idle, hanging = (socket.create_connection(address, timeout=5) for _ in range(2))
        hanging.sendall(b"POST /v1/event HTTP/1.1\r\nContent-Length: 2\r\n\r\n[]")
        while not sandbox.received()["requests"]:
            Event().wait(0.001)
        start = monotonic()
    assert monotonic() - start < 1
    assert [connection.recv(1) for connection in (idle, hanging)] == [b"", b""]
    for connection in (idle, hanging):
        connection.close()
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
    assert before >= set(threading.enumerate())


def test_a_port_that_is_taken() -> None:
    """Two sandboxes never share a port."""
    with Sandbox() as first, pytest.raises(OSError, match="in use"):
        Sandbox(port=int(first.base_url.rpartition(":")[2])).start()


def test_misbehaving_from_python(purchase: Make) -> None:
    """One rule by its fields, several as mappings in turn, and nothing at all to end it."""
    with Sandbox() as sandbox:
        sandbox.misbehave(status=503, times=1)
        assert [send(sandbox, purchase()) for _ in range(2)] == [503, 200]
        sandbox.misbehave({"status": 429, "times": 1}, {"poison": {"dedupe_ids": ["1001"]}})
        assert [send(sandbox, purchase()) for _ in range(3)] == [429, 400, 400]
        assert send(sandbox, purchase({"dedupe_id": "2"})) == 200
        sandbox.misbehave()
        assert send(sandbox, purchase()) == 200


def test_an_unknown_misbehaviour_is_refused() -> None:
    """A misspelled field is refused at once, in the constructor too."""
    with pytest.raises(MisbehaviourRefused, match="sttus"):
        Sandbox(misbehaviour=[{"sttus": 503}])
    with pytest.raises(MisbehaviourRefused, match="sttus"):
        Sandbox().misbehave(sttus=503)


def test_the_seed_decides_what_a_probability_strikes(purchase: Make) -> None:
    """The same seed strikes the same requests, after a reset as well."""
    runs: list[list[int]] = []
    with Sandbox(seed=7, misbehaviour={"status": 503, "probability": 0.5}) as sandbox:
        for _ in range(2):
            runs.append([send(sandbox, purchase()) for _ in range(12)])
            sandbox.reset()
    assert runs[0] == runs[1]
    assert {200, 503} == set(runs[0])


def test_the_hash_of_an_event_can_be_computed_outside(purchase: Make) -> None:
    """Whoever has the event's bytes can tell the hash under which the sandbox shows it."""
    with Sandbox() as sandbox:
        send(sandbox, purchase())
    shown = sandbox.received()["events"][0]["sha256"]
    assert shown == event_sha256(requests.Request("POST", "http://x", json=purchase()).prepare().body)


def test_since_from_python(purchase: Make) -> None:
    """The index cuts the events from Python as over HTTP."""
    with Sandbox() as sandbox:
        send(sandbox, purchase(), purchase({"dedupe_id": "2"}))
    assert [event["dedupe_id"] for event in sandbox.received(since=1)["events"]] == ["2"]


class Interrupted(Event):
    """Waiting for it is interrupted from the keyboard."""

    def wait(self, timeout: float | None = None) -> bool:  # noqa: ARG002  # As the base has it.
        """Raise what Ctrl-C raises."""
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("interrupted", "credentials", "pairs"),
    [(True, None, "any pixel id and key"), (False, {"p": "k"}, "the given pixel ids and keys")],
)
def test_serve_announces_itself_and_ends(
    interrupted: bool, credentials: dict[str, str] | None, pairs: str, tmp_path: Path
) -> None:
    """It prints its URL and how to use it in two lines, and ends when it is interrupted or told to."""
    lines: list[str] = []
    until = Interrupted() if interrupted else Event()
    until.set()
    serve(0, credentials=credentials, ledger=tmp_path / "ledger", announce=lines.append, until=until)
    assert len(lines) == 2
    assert pairs in lines[0]
    url = lines[0].partition("AXON_API_URL=")[2].partition(" ")[0]
    assert url.endswith("/v1/event")
    assert f"curl {url.removesuffix('/v1/event')}/received" in lines[1]
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=5)
