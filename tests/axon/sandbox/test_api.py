"""What becomes of a request, without a socket."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from adapter.axon.sandbox.answer import Answer
from adapter.axon.sandbox.api import ConversionApi, EventRequest
from adapter.axon.sandbox.misbehaviour import Misbehaviour, Poison

Make = Callable[..., dict[str, Any]]
Time = Callable[[], datetime]


def api(clock: Time, *rules: Misbehaviour, ledger: Path | None = None) -> ConversionApi:
    """Return an API with one known pixel."""
    return ConversionApi({"pixel": "key"}, clock, ledger, 0, rules)


def request(*events: object) -> EventRequest:
    """Return a request with good credentials."""
    return EventRequest("pixel", "key", json.dumps(events).encode())


def status_and_reason(api: ConversionApi, asked: EventRequest) -> tuple[int, str | None]:
    """Return the planned status and what the refusal says."""
    answer, _ = api.receive(asked)
    assert isinstance(answer, Answer)
    return answer.status, answer.headers.get("x-al-error-message")


@pytest.mark.parametrize(
    ("pixel_id", "key"),
    [("", "key"), ("pixel", ""), ("pixel", "Bearer key"), ("pixel", "other"), ("other", "key"), ("key", "pixel")],
)
def test_authentication_fails(clock: Time, purchase: Make, pixel_id: str, key: str) -> None:
    """A missing or wrong key or pixel id is 401, and the raw key is the whole header."""
    asked = EventRequest(pixel_id, key, request(purchase()).body)
    sandbox = api(clock)
    reason = "the pixel_id and the Authorization header aren't a known pair"
    assert (401, reason) == status_and_reason(sandbox, asked)
    assert sandbox.count()["events"] == 0


@pytest.mark.parametrize(("pixel_id", "key", "status"), [("any", "pair", 200), ("", "k", 401), ("p", "", 401)])
def test_without_credentials_any_pair_does(clock: Time, purchase: Make, pixel_id: str, key: str, status: int) -> None:
    """Without known credentials any non-empty pair is authentic, and an empty part isn't."""
    sandbox = ConversionApi(None, clock, None, 0, ())
    assert status == status_and_reason(sandbox, EventRequest(pixel_id, key, request(purchase()).body))[0]


def test_a_bad_key_comes_before_a_bad_body(clock: Time) -> None:
    """Whoever isn't authentic learns nothing about the body."""
    assert status_and_reason(api(clock), EventRequest("pixel", "wrong", b"{"))[0] == 401


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        (0, "there is no event in the list"),
        (101, "there are 101 events in the list; 100 are the most"),
    ],
)
def test_the_size_of_a_batch(clock: Time, purchase: Make, events: int, reason: str) -> None:
    """No event and more than 100 are refused."""
    batch = [purchase({"dedupe_id": str(number)}) for number in range(events)]
    assert (400, reason) == status_and_reason(api(clock), request(*batch))


def test_a_hundred_events_are_processed(clock: Time, purchase: Make) -> None:
    """The largest batch is taken whole."""
    sandbox = api(clock)
    batch = [purchase({"dedupe_id": str(number)}) for number in range(100)]
    assert status_and_reason(sandbox, request(*batch)) == (200, None)
    assert sandbox.count() == {"requests": 1, "events": 100, "purchases": 100}


def test_one_invalid_event_drops_the_batch(clock: Time, purchase: Make) -> None:
    """All or nothing: the batch's good events are dropped too, and the bad one is named."""
    sandbox = api(clock)
    bad = purchase({"data.value": "30"})
    assert status_and_reason(sandbox, request(purchase(), bad, purchase({"dedupe_id": "2"}))) == (
        400,
        "events[1].data.value must be a number",
    )
    assert sandbox.count() == {"requests": 1, "events": 0, "purchases": 0}


def test_a_refused_event_is_not_a_first_event(clock: Time, purchase: Make) -> None:
    """After a 400 the corrected event with the same id is accepted, not merged."""
    sandbox = api(clock)
    status_and_reason(sandbox, request(purchase({"data.tax": None})))
    assert status_and_reason(sandbox, request(purchase()))[0] == 200
    assert json.loads(sandbox.received())["events"][0]["outcome"] == "accepted"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"{", "the body isn't JSON in UTF-8 with numbers of an ordinary size"),
        (b"{}", 'the body is neither {"events": [...]} nor a list of events'),
    ],
)
def test_an_unreadable_body(clock: Time, body: bytes, reason: str) -> None:
    """A body without events is a 400 that says so."""
    assert (400, reason) == status_and_reason(api(clock), EventRequest("pixel", "key", body))


def test_a_body_that_is_too_large(clock: Time) -> None:
    """A body that wasn't read is a 413, and remembered without a hash."""
    sandbox = api(clock)
    asked = EventRequest("pixel", "key", None)
    assert status_and_reason(sandbox, asked) == (413, "the body is larger than 8388608 bytes")
    assert json.loads(sandbox.received())["batches"][0]["sha256"] is None


def test_every_batch_is_remembered(clock: Time, purchase: Make) -> None:
    """A refused batch is remembered with its time, ids, status, reason and the hash of its raw body."""
    sandbox = api(clock)
    asked = request(purchase(), purchase({"dedupe_id": 7}), 1)
    sandbox.receive(asked)
    expected = {
        "at": "2026-05-01T12:00:00+00:00",
        "pixel_id": "pixel",
        "status": 400,
        "count": 3,
        "dedupe_ids": ["1001", None, None],
        "sha256": hashlib.sha256(asked.body or b"").hexdigest(),
        "reason": "events[1].dedupe_id must be a non-empty string",
    }
    assert [expected] == json.loads(sandbox.received())["batches"]


@pytest.mark.parametrize(
    ("fault", "status", "processed"),
    [
        (Misbehaviour(status=503), 503, 0),
        (Misbehaviour(status=202), 202, 0),
        (Misbehaviour(status=200, body="<html>"), 200, 1),
        (Misbehaviour(reset="before"), None, 0),
        (Misbehaviour(reset="after_processing"), 200, 1),
        (Misbehaviour(reset="mid_answer"), 200, 1),
        (Misbehaviour(hang=True), 200, 1),
        (Misbehaviour(delay_seconds=9), 200, 1),
        (Misbehaviour(poison=Poison(dedupe_ids=frozenset({"1001"}))), 400, 0),
        (Misbehaviour(poison=Poison(dedupe_ids=frozenset({"1002"}))), 200, 1),
    ],
)
def test_what_a_misbehaviour_leaves_processed(
    clock: Time, purchase: Make, fault: Misbehaviour, status: int | None, processed: int
) -> None:
    """A told status and a reset before processing drop the batch; every other misbehaviour processes it."""
    sandbox = api(clock, fault)
    answer, _ = sandbox.receive(request(purchase()))
    assert status == (answer and answer.status)
    assert processed == sandbox.count()["events"]
    (batch,) = json.loads(sandbox.received())["batches"]
    assert (status, not processed) == (batch["status"], batch["reason"] is not None)


def test_a_misbehaviour_keeps_the_documented_refusals(clock: Time, purchase: Make) -> None:
    """A told body with status 200 doesn't make an invalid batch valid."""
    sandbox = api(clock, Misbehaviour(status=200, body="fine"))
    assert status_and_reason(sandbox, request(purchase({"name": "sale"})))[0] == 400


def test_reset_forgets_everything(clock: Time, purchase: Make) -> None:
    """After a reset nothing was received, ids are new again, and only the first misbehaviour is in force."""
    sandbox = api(clock, Misbehaviour(status=429, times=1))
    assert [status_and_reason(sandbox, request(purchase()))[0] for _ in range(2)] == [429, 200]
    sandbox.misbehave([Misbehaviour(status=500)])
    sandbox.reset()
    assert sandbox.count() == {"requests": 0, "events": 0, "purchases": 0}
    assert [status_and_reason(sandbox, request(purchase()))[0] for _ in range(2)] == [429, 200]
    assert json.loads(sandbox.received())["events"][0]["outcome"] == "accepted"


def test_the_ledger_is_written_before_the_answer(clock: Time, purchase: Make, tmp_path: Path) -> None:
    """When the answer is known the ledger has the planned status, also when none is going to be given."""
    ledger = tmp_path / "ledger.jsonl"
    sandbox = api(clock, Misbehaviour(reset="before", times=1), ledger=ledger)
    sandbox.receive(request(purchase()))
    sandbox.receive(request(purchase()))
    lines = [json.loads(line) for line in ledger.read_text().splitlines()]
    assert [line["status"] for line in lines] == [None, 200]
    assert [line["events"][0][:3] for line in lines] == [["1001", "30", "USD"]] * 2
