"""What follows from an answer: one table."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from adapter.axon.outcome import Outcome, Verdict
from adapter.delivery import policy
from adapter.storage.destinations import Condition, DestinationState

NOON = datetime.fromisoformat("2026-05-01T12:00:00+00:00")
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
OPEN = DestinationState(since=NOON - 60 * MINUTE)


def half() -> float:
    """Be the middle of all jitter."""
    return 0.5


def answered(status: int, verdict: Verdict) -> Outcome:
    """Return an answer."""
    return Outcome(verdict=verdict, status=status)


SILENCE = Outcome(verdict=Verdict.UNKNOWN, problem="no answer in time")
BUSY = answered(503, Verdict.UNKNOWN)


@pytest.mark.parametrize(("attempts", "ceiling"), [(0, 1), (1, 2), (3, 8), (5, 32), (6, 60), (40, 60)])
def test_full_jitter(attempts: int, ceiling: int) -> None:
    """A wait lies anywhere from nothing to 1 s × 2^attempts, at most the longest."""
    assert timedelta(0) == policy.backoff(attempts, MINUTE, lambda: 0.0)
    assert ceiling * SECOND / 2 == policy.backoff(attempts, MINUTE, half)
    assert ceiling * SECOND > policy.backoff(attempts, MINUTE, lambda: 0.999999) > ceiling * SECOND * 0.99


def test_waiting_longer_while_it_is_silent() -> None:
    """At most a minute while the destination answers others, ten while it doesn't; what it asks for comes first."""
    assert NOON + 30 * SECOND == policy.next_try(BUSY, 20, OPEN, NOON, half)
    assert NOON + 5 * MINUTE == policy.next_try(SILENCE, 20, replace(OPEN, failures=1), NOON, half)
    asked = replace(BUSY, retry_after=7 * MINUTE)
    assert NOON + 7 * MINUTE == policy.next_try(asked, 0, OPEN, NOON, half)


def test_acceptance_clears_everything() -> None:
    """After a 200 the destination is open, whatever it was."""
    troubled = DestinationState(
        condition=Condition.PAUSED, reason="x", since=NOON, rest_until=NOON, failures=9, odd_answers=4
    )
    state = policy.after(troubled, answered(200, Verdict.ACCEPTED), NOON, half)
    assert (Condition.OPEN, None, None, 0, 0, NOON) == (
        state.condition,
        state.reason,
        state.rest_until,
        state.failures,
        state.odd_answers,
        state.accepted_at,
    )
    assert OPEN.since == policy.after(OPEN, answered(200, Verdict.ACCEPTED), NOON, half).since


@pytest.mark.parametrize("status", [401, 403, 404])
def test_refused_credentials_pause(status: int) -> None:
    """A refused key pauses for five minutes; the pause keeps its beginning."""
    state = policy.after(OPEN, answered(status, Verdict.UNAUTHORIZED), NOON, half)
    assert (Condition.PAUSED, NOON, NOON + 5 * MINUTE) == (state.condition, state.since, state.rest_until)
    again = policy.after(state, answered(status, Verdict.UNAUTHORIZED), NOON + 5 * MINUTE, half)
    assert (NOON, NOON + 10 * MINUTE) == (again.since, again.rest_until)


def test_silence() -> None:
    """Five failures in a row make it down: one probe a minute or so; an answer ends that."""
    state = OPEN
    for failures in range(1, 5):
        state = policy.after(state, SILENCE, NOON, half)
        assert (Condition.OPEN, failures, None) == (state.condition, state.failures, state.rest_until)
    state = policy.after(state, SILENCE, NOON, half)
    assert Condition.DOWN is state.condition
    assert state.rest_until is not None
    assert NOON + MINUTE <= state.rest_until <= NOON + 2 * MINUTE
    back = policy.after(state, answered(400, Verdict.REFUSED), NOON, half)
    assert (Condition.OPEN, 0, None) == (back.condition, back.failures, back.rest_until)


def test_what_a_busy_destination_asks_for() -> None:
    """Retry-After lets the whole destination rest."""
    state = policy.after(OPEN, replace(BUSY, retry_after=MINUTE), NOON, half)
    assert NOON + MINUTE == state.rest_until
    assert policy.after(OPEN, BUSY, NOON, half).rest_until is None


def test_odd_answers() -> None:
    """Five answers in a row that the page doesn't know pause; any known one begins to count anew."""
    state = OPEN
    for _ in range(4):
        state = policy.after(state, answered(302, Verdict.UNEXPECTED), NOON, half)
    assert Condition.OPEN is state.condition
    assert 0 == policy.after(state, answered(400, Verdict.REFUSED), NOON, half).odd_answers
    state = policy.after(state, answered(204, Verdict.UNEXPECTED), NOON, half)
    assert (Condition.PAUSED, NOON + 5 * MINUTE) == (state.condition, state.rest_until)
    assert "five odd answers in a row, the last: answer 204" == state.reason


def test_doubt() -> None:
    """A lone refusal without a proof of our credentials makes doubtful, with growing rests of at most 30 s."""
    state = OPEN
    rests = []
    for _ in range(6):
        state = policy.doubt(state, answered(400, Verdict.REFUSED), NOON, half)
        assert state.rest_until is not None
        rests.append((state.rest_until - NOON).total_seconds())
    assert Condition.DOUBTFUL is state.condition
    assert rests == sorted(rests)
    assert [8.0, 15.0, 15.0, 15.0, 15.0, 15.0] == rests
    assert state.failures == policy.after(state, answered(400, Verdict.REFUSED), NOON, half).failures


@pytest.mark.parametrize(("minutes_ago", "proven"), [(None, False), (1, True), (60, True), (61, False), (-5, True)])
def test_proof(minutes_ago: int | None, proven: bool) -> None:
    """An acceptance within the hour proves that our credentials are good."""
    at = None if minutes_ago is None else NOON - minutes_ago * MINUTE
    assert proven is policy.is_proven(replace(OPEN, accepted_at=at), NOON)


@pytest.mark.parametrize(
    ("rest", "resting"), [(None, False), (MINUTE, True), (timedelta(0), False), (timedelta(days=3650), False)]
)
def test_resting(rest: timedelta | None, resting: bool) -> None:
    """A rest ends at its moment; one that lies years ahead comes from a clock that jumped, and doesn't count."""
    assert resting is policy.is_resting(replace(OPEN, rest_until=None if rest is None else NOON + rest), NOON)
