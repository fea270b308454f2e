"""Answers as bytes."""

from __future__ import annotations

import gzip
import json

import pytest

from adapter.axon.sandbox.answer import Answer, Refusal, accepted, distorted, refused
from adapter.axon.sandbox.misbehaviour import Misbehaviour


def message(answer: Answer) -> bytes:
    """Return the whole answer."""
    return b"".join(answer.pieces())


def test_an_accepted_batch() -> None:
    """The 200 is one short JSON message in one piece."""
    expected = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 17\r\n\r\n{"processed": 2}\n'
    assert [expected] == list(accepted(2).pieces())


def test_a_refused_batch_names_event_and_path() -> None:
    """The 400 names the event and the path in headers and body."""
    answer = refused(Refusal(400, "must be a number", 3, "data.value"), "trace-1")
    headers = {
        "x-al-error-code": "400",
        "x-al-error-message": "events[3].data.value must be a number",
        "X-TRACE-ID": "trace-1",
    }
    assert headers == answer.headers
    error = {"message": "must be a number", "event": 3, "path": "data.value"}
    assert json.loads(answer.body) == {"error": error}


@pytest.mark.parametrize(
    ("refusal", "shown"),
    [
        (Refusal(400, "must be an object", 0), "events[0] must be an object"),
        (Refusal(401, "unknown pair"), "unknown pair"),
    ],
)
def test_a_refusal_in_words(refusal: Refusal, shown: str) -> None:
    """The place is left out as far as there is none."""
    assert shown == str(refusal)


@pytest.mark.parametrize("status", [102, 204, 304])
def test_answers_without_a_body(status: int) -> None:
    """An answer that HTTP forbids a body has none, and no length."""
    assert message(Answer(status, b"body")).endswith(b"\r\n\r\n")
    assert b"Content-Length" not in message(Answer(status, b"body"))


def test_an_unknown_status_has_a_phrase() -> None:
    """A status that no standard knows can be answered."""
    assert message(Answer(799)).startswith(b"HTTP/1.1 799 Unknown\r\n")


def test_told_headers_replace_ours_in_any_spelling() -> None:
    """A told Content-Type or Content-Length stands once, as it was told; text outside Latin-1 doesn't fail."""
    fault = Misbehaviour(headers={"content-length": "3", "Retry-After": "ü", "X-Odd": "→"}, body="busy")
    expected = (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\ncontent-length: 3\r\n"
        b"Retry-After: \xfc\r\nX-Odd: ?\r\n\r\nbusy"
    )
    assert expected == message(distorted(accepted(1), fault))


def test_good_behaviour_distorts_nothing() -> None:
    """Without a fault the answer is the answer."""
    assert message(accepted(1)) == message(distorted(accepted(1), Misbehaviour()))


def test_a_huge_answer_comes_in_pieces() -> None:
    """A huge body is announced in full and made piece by piece."""
    head, *pieces = distorted(accepted(1), Misbehaviour(huge_answer_bytes=150_000)).pieces()
    assert b"Content-Length: 150000\r\n" in head
    assert [len(piece) for piece in pieces] == [65536, 65536, 18928]


def test_a_gzip_bomb_is_small_until_it_is_unpacked() -> None:
    """A million bytes travel as a few thousand."""
    answer = distorted(accepted(1), Misbehaviour(huge_answer_bytes=1_000_000, gzip=True))
    (sent,) = answer.pieces()
    head, _, body = sent.partition(b"\r\n\r\n")
    assert b"Content-Encoding: gzip" in head
    assert len(body) < 3000
    assert gzip.decompress(body).count(b" ") == 1_000_000 == len(gzip.decompress(body))
