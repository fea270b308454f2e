"""The campaigns' own tools: the checker sees each violation, the fake API and the proxy misbehave as they are told."""

from __future__ import annotations

import hashlib
import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from http.client import BadStatusLine, HTTPConnection, IncompleteRead
from pathlib import Path
from random import Random
from threading import Thread
from typing import Any

import pytest
from campaigns.checker import Findings, check
from campaigns.fake_api import Api, read_events
from campaigns.nursery import wait_until
from campaigns.orders import PIXELS, Order, Orders
from campaigns.proxy import Proxy, Toxics
from campaigns.received import Batch, Sent, batches_in
from campaigns.table import Row, lines_of

# The checker, over the story of two orders that were taken, sent in one batch, and marked.


class Story:
    """What the shops, the database and the API say; a test spoils one of them."""

    def __init__(self) -> None:
        self.orders = Orders(Random(1)).many(2)  # noqa: S311  # Repeatable on purpose.
        self.acknowledged = {order.key: order for order in self.orders}
        self.rows: list[dict[str, Any]] = [
            {"shop": order.shop, "order_id": order.id, "state": "delivered", "settled_at": "2026-05-01T12:00:02+00:00"}
            for order in self.orders
        ]
        self.batches = [self.batch(1, *self.orders)]
        self.logs: list[Path] = []

    def batch(self, number: int, *orders: Order, **changes: Any) -> Batch:
        """Return a batch of these orders, sent at noon and one second."""
        events = tuple(
            Sent(key=(PIXELS[order.shop], order.id), sha256="a", value=str(order.value), currency=order.currency)
            for order in orders
        )
        at = 1777636801.0
        facts = {"at": at, "status": 200, "processed": True, "refused": False, "finished_at": at + 0.5}
        return Batch(number=number, problem=None, ending="whole", events=events, **(facts | changes))

    def found(self) -> Findings:
        """Return what the checker finds."""
        return check(self.acknowledged, self.rows, self.batches, self.logs)


def test_a_clean_story() -> None:
    """When everything went well nothing is found."""
    assert Findings() == Story().found()


def _lose_a_row(story: Story) -> None:
    del story.rows[0]


def _store_twice(story: Story) -> None:
    story.rows.append(dict(story.rows[0]))


def _leave_waiting(story: Story) -> None:
    story.rows[0]["state"] = "delivering"


def _quarantine(story: Story) -> None:
    story.rows[0]["state"] = "quarantined"


def _never_send(story: Story) -> None:
    story.batches = [story.batch(1, story.orders[1])]


def _send_unasked(story: Story) -> None:
    del story.acknowledged[story.orders[0].key]


def _change_a_cent(story: Story) -> None:
    first, second = story.batches[0].events
    dearer = replace(first, value=str(float(first.value) + 0.01))
    story.batches = [replace(story.batches[0], events=(dearer, second))]


def _send_other_bytes(story: Story) -> None:
    changed = tuple(replace(event, sha256="b") for event in story.batches[0].events[:1])
    earlier = replace(story.batches[0], number=0, at=1777636800.0, processed=False, events=changed, finished_at=None)
    story.batches = [earlier, *story.batches]


def _send_twice_in_one(story: Story) -> None:
    story.batches = [story.batch(1, *story.orders, story.orders[0])]


def _send_at_once(story: Story) -> None:
    story.batches.append(story.batch(2, story.orders[0]))


def _send_after_the_mark(story: Story) -> None:
    story.batches.append(story.batch(2, story.orders[0], at=1777636803.0))


@pytest.mark.parametrize(
    ("spoil", "invariant", "counts"),
    [
        (_lose_a_row, "I1: answered 200 and not stored", (1, 0, 0)),
        (_store_twice, "I1: stored twice", (0, 1, 0)),
        (_leave_waiting, "I5: not settled", (0, 0, 1)),
        (_quarantine, "I2: settled otherwise", (0, 0, 0)),
        (_never_send, "I3: good, and never processed", (2, 0, 0)),
        (_send_unasked, "I3: processed, and no good order", (0, 1, 0)),
        (_change_a_cent, "I3: another sum", (0, 0, 0)),
        (_send_other_bytes, "I4: sent again with other bytes", (0, 1, 0)),
        (_send_twice_in_one, "I4: twice in one batch", (0, 1, 0)),
        (_send_at_once, "I4: sent twice at once", (0, 1, 0)),
        (_send_after_the_mark, "I4: sent after it was marked", (0, 1, 0)),
    ],
)
def test_each_violation_is_seen(spoil: Callable[[Story], None], invariant: str, counts: tuple[int, int, int]) -> None:
    """Each invariant that is broken is named, and counted as lost, doubled or stuck."""
    story = Story()
    spoil(story)
    found = story.found()
    assert invariant in "\n".join(found.problems)
    assert counts == (found.lost, found.doubled, found.stuck)


def test_a_definite_refusal_frees_the_bytes() -> None:
    """After a 400 that was answered in full an event may be made anew; after an unknown outcome it may not."""
    story = Story()
    _send_other_bytes(story)
    story.batches[0] = replace(story.batches[0], status=400, refused=True, finished_at=1777636800.5)
    assert [] == story.found().problems


def test_what_is_personal_is_seen_in_a_log(tmp_path: Path) -> None:
    """An e-mail in any log is found, however it is written."""
    story = Story()
    story.logs = [tmp_path / "web.log"]
    story.logs[0].write_text('{"email": "CANARY-1@example.com"}')
    assert ["I7: in web.log: 1, like canary"] == story.found().problems


def test_the_table() -> None:
    """Every campaign has its line; zeros are said with what they mean, and nothing that wasn't run counts."""
    ran = Row(campaign="C1", database="sqlite", trials=3_000, faults=5, target="t", scaled="s", seconds=1.4, seed=7)
    lines = list(lines_of([ran, Row(campaign="D5", note="NOT RUN: no strace")]))
    assert ["campaign", "C1", "D5", "none"] == [line.split()[0] for line in lines]
    assert "3,000" in lines[1]
    assert lines[2].endswith("NOT RUN: no strace")
    assert lines[3].endswith("fewer than 1 in 1,000 does (3/n)")


# The fake API.


@pytest.fixture
def api(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    """Yield the folder and the port of a fake API in this process."""
    (tmp_path / "plan.json").write_text("[]")
    listening = socket.create_server(("127.0.0.1", 0))
    with Api(tmp_path, listening, {"pixel": "key"}, seed=1) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield tmp_path, listening.getsockname()[1]
        server.shutdown()
        thread.join()


EVENT = (
    b'{"name":"purchase","dedupe_id":"7","event_time":1,"event_source_url":"https://shop.example","user_data":'
    b'{"client_ip_address":"203.0.113.8","client_user_agent":"Invented","esi":"web","axwrt":"a"},'
    b'"data":{"currency":"EUR","value":12.50,"transaction_id":"7","items":[]}}'
)


def _post(port: int, *events: bytes, key: str = "key") -> int:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        body = b'{"events":[' + b",".join(events) + b"]}"
        connection.request("POST", "/v1/event?pixel_id=pixel", body, {"Authorization": key})
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def _plan(folder: Path, **rule: Any) -> None:
    (folder / "plan.json").write_text(json.dumps([rule]))


def test_what_is_written_down(api: tuple[Path, int]) -> None:
    """Each event stands in the ledger with its own bytes' hash and its exact value."""
    folder, port = api
    assert 200 == _post(port, EVENT)
    assert wait_until(lambda: '"finished"' in (folder / "received.jsonl").read_text(), 5)
    (batch,) = batches_in(folder / "received.jsonl")
    expected = Sent(key=("pixel", "7"), sha256=hashlib.sha256(EVENT).hexdigest(), value="12.50", currency="EUR")
    assert ((expected,), True) == (batch.events, batch.processed)
    assert batch.finished_at is not None


@pytest.mark.parametrize(
    ("events", "key", "status"),
    [
        ([EVENT] * 100, "key", 200),
        ([EVENT] * 101, "key", 400),
        ([], "key", 400),
        ([EVENT], "another", 401),
        ([EVENT, EVENT.replace(b'"axwrt":"a"', b'"os":"a"')], "key", 400),
        ([EVENT, EVENT.replace(b"12.50", b'"12.50"')], "key", 400),
        ([b"nonsense"], "key", 400),
    ],
)
def test_what_is_accepted(api: tuple[Path, int], events: list[bytes], key: str, status: int) -> None:
    """A batch is all or nothing, of 1 to 100 events, under the pixel's own key."""
    folder, port = api
    assert status == _post(port, *events, key=key)
    (batch,) = batches_in(folder / "received.jsonl")
    assert (status == 200) is batch.processed


def test_the_bare_list() -> None:
    """Both shapes of a batch are read, and blanks inside an event belong to its bytes."""
    assert [b'{"a": 1}', b'{"a":2}'] == [event.raw for event in read_events(b'[{"a": 1},{"a":2}]')]


def test_rules(api: tuple[Path, int]) -> None:
    """A rule decides for the batches that it fits; the others are answered as their events deserve."""
    folder, port = api
    _plan(folder, batches=[2, 2], status=503)
    assert [200, 503, 200] == [_post(port, EVENT) for _ in range(3)]
    _plan(folder, containing="poison", status=400)
    assert [200, 400] == [_post(port, event) for event in (EVENT, EVENT.replace(b"Invented", b"poison"))]


@pytest.mark.parametrize(
    ("rule", "error"),
    [
        ({"ending": "never"}, TimeoutError),
        ({"ending": "reset", "bytes": 9}, ConnectionResetError),
        ({"ending": "cut", "bytes": 9}, BadStatusLine),
        ({"ending": "cut", "bytes": 42, "body": "words"}, IncompleteRead),
        ({"ending": "drip", "every": 0.5}, TimeoutError),
    ],
)
def test_endings(
    api: tuple[Path, int], monkeypatch: pytest.MonkeyPatch, rule: dict[str, Any], error: type[Exception]
) -> None:
    """However the answer ends, the batch was processed before, and counts as not answered."""
    folder, port = api
    _plan(folder, **rule)
    connection = HTTPConnection("127.0.0.1", port, timeout=0.4)
    connection.request("POST", "/?pixel_id=pixel", b'{"events":[' + EVENT + b"]}", {"Authorization": "key"})
    with pytest.raises(error):
        connection.getresponse().read()
    connection.close()
    (batch,) = batches_in(folder / "received.jsonl")
    assert (True, None) == (batch.processed, batch.finished_at)


# The proxy.


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """Yield a proxy in front of a server that says everything back."""
    listening = socket.create_server(("127.0.0.1", 0))

    def echo(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            while piece := connection.recv(65536):
                connection.sendall(piece)

    def serve() -> None:
        while True:
            try:
                connection, _address = listening.accept()
            except OSError:
                return
            Thread(target=echo, args=(connection,), daemon=True).start()

    thread = Thread(target=serve)
    thread.start()
    proxy = Proxy(listening.getsockname())
    yield proxy
    proxy.close()
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    thread.join()


def _say(proxy: Proxy, words: bytes) -> bytes:
    """Send words and the end, and return what comes back until the end."""
    with socket.create_connection(("127.0.0.1", proxy.port), 2) as connection:
        connection.settimeout(1)
        connection.sendall(words)
        connection.shutdown(socket.SHUT_WR)
        heard = b""
        while piece := connection.recv(100):
            heard += piece
        return heard


def test_passing_on(proxy: Proxy) -> None:
    """Without a toxic every byte passes, and so does the end."""
    assert b"words" * 50_000 == _say(proxy, b"words" * 50_000)


def test_latency(proxy: Proxy) -> None:
    """Latency holds every piece back."""
    proxy.down.latency = 0.2
    began = time.monotonic()
    assert b"words" == _say(proxy, b"words")
    assert time.monotonic() - began >= 0.2


def test_limits(proxy: Proxy) -> None:
    """`limit_data` ends a connection properly after so many bytes, `reset_after` resets it."""
    proxy.down = Toxics(limit_data=3)
    assert b"wor" == _say(proxy, b"words")
    proxy.down = Toxics(reset_after=3)
    with pytest.raises(ConnectionResetError):
        _say(proxy, b"words")


def test_slices(proxy: Proxy) -> None:
    """The slicer passes everything on, in pieces with pauses between them."""
    proxy.up = Toxics(slice_size=1, slice_delay=0.02)
    began = time.monotonic()
    assert b"words" == _say(proxy, b"words")
    assert time.monotonic() - began >= 0.1


def test_the_black_hole(proxy: Proxy) -> None:
    """With `timeout` nothing comes, not even an end."""
    proxy.down.timeout = True
    with pytest.raises(TimeoutError):
        _say(proxy, b"words")


def test_down_and_up(proxy: Proxy) -> None:
    """A proxy that is down resets what is open and refuses what is new, until it is up again on its port."""
    with socket.create_connection(("127.0.0.1", proxy.port), 2) as connection:
        connection.sendall(b"words")
        assert b"words" == connection.recv(100)
        proxy.take_down()
        with pytest.raises(ConnectionResetError):
            connection.recv(100)
    with pytest.raises(ConnectionRefusedError):
        _say(proxy, b"words")
    proxy.up_again()
    assert b"words" == _say(proxy, b"words")
