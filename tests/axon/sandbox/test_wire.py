"""How answers fail to arrive, seen through real sockets."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from threading import Event, Thread, Timer
from time import monotonic

import pytest

from adapter.axon.sandbox.answer import Answer, accepted
from adapter.axon.sandbox.misbehaviour import GOOD_BEHAVIOUR, Misbehaviour
from adapter.axon.sandbox.wire import deliver

MESSAGE = next(accepted(1).pieces())


class Pair:
    """Both ends of a TCP connection."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.client = socket.create_connection(listener.getsockname(), timeout=5)
            self.server, _ = listener.accept()
        self.stopping = Event()

    def deliver(self, fault: Misbehaviour, answer: Answer | None = None) -> bool:
        """Deliver an answer, and close the connection if it is over."""
        goes_on = deliver(self.server, answer or accepted(1), fault, self.stopping)
        if not goes_on:
            self.server.close()
        return goes_on

    def read(self, most: int = 2**30) -> bytes:
        """Read so many bytes, or to the end; raises when the connection was reset."""
        got = b""
        while len(got) < most and (more := self.client.recv(65536)):
            got += more
        return got

    def read_up_to_the_reset(self) -> bytes:
        """Return what arrives before the RST; fails when there is none."""
        got = b""
        try:
            while more := self.client.recv(1):
                got += more
        except ConnectionResetError:
            return got
        pytest.fail("the connection was ended, not reset")


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Yield a connection."""
    made = Pair()
    yield made
    made.client.close()
    made.server.close()


def test_a_good_answer(pair: Pair) -> None:
    """Without a fault the answer arrives and the connection goes on."""
    assert pair.deliver(GOOD_BEHAVIOUR)
    assert pair.read(len(MESSAGE)) == MESSAGE


def test_a_reset_is_a_rst(pair: Pair) -> None:
    """After processing the client sees the connection reset, not ended."""
    assert not pair.deliver(Misbehaviour(reset="after_processing"))
    assert pair.read_up_to_the_reset() == b""


def test_no_answer_is_a_rst(pair: Pair) -> None:
    """A planned drop of the connection is a RST."""
    assert not deliver(pair.server, None, Misbehaviour(reset="before"), pair.stopping)
    pair.server.close()
    assert pair.read_up_to_the_reset() == b""


@pytest.mark.parametrize(("after_bytes", "arrives"), [(None, len(MESSAGE) // 2), (0, 0), (5, 5)])
def test_a_reset_amid_the_answer(pair: Pair, after_bytes: int | None, arrives: int) -> None:
    """So many bytes of the answer arrive, half of it if nothing is said, and then a RST."""
    assert not pair.deliver(Misbehaviour(reset="mid_answer", after_bytes=after_bytes))
    assert MESSAGE[:arrives] == pair.read_up_to_the_reset()


def test_a_dripped_answer_is_whole(pair: Pair) -> None:
    """Byte by byte the same answer arrives, and takes its time."""
    start = monotonic()
    assert pair.deliver(Misbehaviour(drip_seconds_per_byte=0.001))
    assert pair.read(len(MESSAGE)) == MESSAGE
    assert monotonic() - start >= 0.001 * len(MESSAGE)


def test_a_delay_comes_before_the_answer(pair: Pair) -> None:
    """The answer comes after the delay."""
    start = monotonic()
    assert pair.deliver(Misbehaviour(delay_seconds=0.05))
    assert monotonic() - start >= 0.05
    assert pair.read(len(MESSAGE)) == MESSAGE


@pytest.mark.parametrize(
    "fault",
    [Misbehaviour(delay_seconds=60), Misbehaviour(hang=True), Misbehaviour(drip_seconds_per_byte=60)],
)
def test_stopping_cuts_every_wait_short(pair: Pair, fault: Misbehaviour) -> None:
    """When the sandbox stops, a delay, a hang and a drip end at once and without an answer."""
    stop = Timer(0.03, pair.stopping.set)
    stop.start()
    assert not pair.deliver(fault)
    stop.join()
    assert pair.read() == b""


def test_a_hang_ends_when_the_client_has_gone(pair: Pair) -> None:
    """A hanging connection lives until its client closes it."""
    thread = Thread(target=pair.deliver, args=(Misbehaviour(hang=True),))
    thread.start()
    thread.join(0.05)
    assert thread.is_alive()
    pair.client.close()
    thread.join(5)
    assert not thread.is_alive()


def test_a_huge_answer_arrives_whole(pair: Pair) -> None:
    """A large body is sent to its last byte."""
    answer = Answer(200, filler=1_000_000)
    thread = Thread(target=deliver, args=(pair.server, answer, GOOD_BEHAVIOUR, pair.stopping))
    thread.start()
    expected = len(b"".join(answer.pieces()))
    assert expected == len(pair.read(expected))
    thread.join()
