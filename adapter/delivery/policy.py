"""What follows from an answer: pure functions on what is known of the destination, the row and the clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from adapter.axon.outcome import Outcome, Verdict
from adapter.storage.destinations import Condition, DestinationState

Jitter = Callable[[], float]
"""Gives a number from 0 up to 1."""

FIRST_WAIT = timedelta(seconds=1)
LONGEST_WAIT_ANSWERING = timedelta(seconds=60)
LONGEST_WAIT_SILENT = timedelta(minutes=10)
PROBE_EVERY = timedelta(minutes=5)
"""How often a destination is asked whether our credentials are accepted again."""

DOUBT_PROBE_LONGEST = timedelta(seconds=30)
"""How long a new order may wait behind a doubt: it is the probe that ends it."""

DOWN_AFTER = 5
"""After so many tries in a row without an answer, or odd answers in a row, only one probe at a time is sent."""

DOWN_PROBE_EVERY = timedelta(minutes=1)
LONGEST_REST = timedelta(hours=2)

CREDIBLE_FOR = timedelta(hours=1)
"""How long an acceptance proves that the credentials are good, so that a lone refusal is the event's own fault."""


def backoff(attempts: int, longest: timedelta, jitter: Jitter) -> timedelta:
    """Return how long to wait before the next try: full jitter, from 0 up to 1 s × 2^attempts, capped."""
    ceiling: timedelta = min(FIRST_WAIT * (1 << min(attempts, 20)), longest)
    return ceiling * jitter()


def next_try(outcome: Outcome, attempts: int, state: DestinationState, now: datetime, jitter: Jitter) -> datetime:
    """Return when events with an unknown outcome are sent again; what the API asks for comes first."""
    answering = state.failures == 0
    wait = backoff(attempts, LONGEST_WAIT_ANSWERING if answering else LONGEST_WAIT_SILENT, jitter)
    return now + max(wait, outcome.retry_after or timedelta(0))


def is_resting(state: DestinationState, now: datetime) -> bool:
    """Whether no request may be sent yet. A rest that lies absurdly far ahead comes from a clock that jumped back."""
    if state.rest_until is None:
        return False
    return timedelta(0) < state.rest_until - now <= LONGEST_REST


def is_proven(state: DestinationState, now: datetime) -> bool:
    """Whether the same credentials were accepted within the hour: then a refused event is to blame itself."""
    return state.accepted_at is not None and now - state.accepted_at <= CREDIBLE_FOR


def after(state: DestinationState, outcome: Outcome, now: datetime, jitter: Jitter) -> DestinationState:
    """Return what is known of a destination after this answer."""
    if outcome.status is not None:
        failures = state.failures if state.condition is Condition.DOUBTFUL else 0
        state = replace(state, failures=failures, answered_at=now, answer=outcome.to_json())
    match outcome.verdict:
        case Verdict.ACCEPTED:
            return DestinationState(
                since=_since(state, Condition.OPEN, now), accepted_at=now, answered_at=now, answer=state.answer
            )
        case Verdict.UNAUTHORIZED:
            return _resting(state, Condition.PAUSED, str(outcome), now, PROBE_EVERY)
        case Verdict.REFUSED | Verdict.TOO_LARGE:
            return _answering_again(replace(state, odd_answers=0), now)
        case Verdict.UNEXPECTED:
            return _after_odd_answer(state, outcome, now)
        case Verdict.UNKNOWN:
            return _after_failure(state, outcome, now, jitter)


def doubt(state: DestinationState, outcome: Outcome, now: datetime, jitter: Jitter) -> DestinationState:
    """Return a destination that refused a lone event although nothing proves our credentials: all may be refused."""
    failures = state.failures + 1
    rest = max(backoff(failures + 3, DOUBT_PROBE_LONGEST, jitter), FIRST_WAIT)
    return replace(_resting(state, Condition.DOUBTFUL, str(outcome), now, rest), failures=failures)


def _answering_again(state: DestinationState, now: datetime) -> DestinationState:
    if state.condition is not Condition.DOWN:
        return state
    return replace(state, condition=Condition.OPEN, reason=None, since=now, rest_until=None)


def _after_odd_answer(state: DestinationState, outcome: Outcome, now: datetime) -> DestinationState:
    state = replace(state, odd_answers=state.odd_answers + 1)
    if state.odd_answers < DOWN_AFTER:
        return state
    return _resting(state, Condition.PAUSED, f"five odd answers in a row, the last: {outcome}", now, PROBE_EVERY)


def _after_failure(state: DestinationState, outcome: Outcome, now: datetime, jitter: Jitter) -> DestinationState:
    state = replace(state, failures=state.failures + 1)
    if state.failures < DOWN_AFTER or state.condition is Condition.PAUSED:
        rest = outcome.retry_after
        return state if rest is None else replace(state, rest_until=now + rest)
    rest = DOWN_PROBE_EVERY + backoff(state.failures - DOWN_AFTER, LONGEST_WAIT_ANSWERING, jitter)
    return _resting(state, Condition.DOWN, str(outcome), now, max(rest, outcome.retry_after or rest))


def _resting(
    state: DestinationState, condition: Condition, reason: str, now: datetime, rest: timedelta
) -> DestinationState:
    since = _since(state, condition, now)
    return replace(state, condition=condition, reason=reason, since=since, rest_until=now + rest)


def _since(state: DestinationState, condition: Condition, now: datetime) -> datetime:
    return state.since if state.condition is condition else now
