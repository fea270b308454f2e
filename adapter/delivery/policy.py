"""What follows from an answer: pure functions on what is known of the destination, the row and the clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from adapter.axon.outcome import LONGEST_RETRY_AFTER, Outcome, Verdict
from adapter.storage.destinations import Condition, DestinationState

Jitter = Callable[[], float]
"""Gives a number from 0 up to 1."""

FIRST_WAIT = timedelta(seconds=1)
LONGEST_WAIT_ANSWERING = timedelta(seconds=60)
LONGEST_WAIT_SILENT = timedelta(minutes=10)
PROBE_EVERY = timedelta(minutes=5)
"""How often a destination is asked whether our credentials are accepted again."""

DOUBT_AFTER = 10
"""After so many refused requests in a row, with nothing accepted between them, everything may be refused.

The search for one bad event among 100 needs at most 7 until something is accepted.
"""

DOUBT_PROBE_LONGEST = timedelta(seconds=30)
"""How long a new order may wait behind a doubt: it is the probe that ends it."""

DOWN_AFTER = 5
"""After so many tries in a row without a usable answer, or odd answers in a row, only one probe at a time is sent."""

DOWN_PROBE_EVERY = timedelta(minutes=1)
_APART = timedelta(minutes=1)
"""So far the clocks of two machines may be apart."""

LONGEST_REST = LONGEST_RETRY_AFTER + _APART
"""No rest is longer when it begins."""

CREDIBLE_FOR = timedelta(hours=1)
"""How long an acceptance proves that the credentials are good, so that a lone refusal is the event's own fault."""

TOGETHER_FOR = 3
"""So many times the events of one batch are sent again together; then in parts, so that the others leave a bad one."""

PARTS = 8
"""At so many times at most they come again. At a hundred times they would need as many requests when the API, after an
hour of failing, is well again."""


def backoff(attempts: int, longest: timedelta, jitter: Jitter) -> timedelta:
    """Return how long to wait before the next try: full jitter, from 0 up to 1 s × 2^attempts, capped."""
    ceiling: timedelta = min(FIRST_WAIT * (1 << min(attempts, 20)), longest)
    return ceiling * jitter()


def parting(jitter: Jitter) -> Jitter:
    """Return the jitter of one batch: each number as likely as without, and no more than `PARTS` different ones."""
    together = jitter()
    return lambda: (int(jitter() * PARTS) + together) / PARTS


def next_try(attempts: int, state: DestinationState, now: datetime, jitter: Jitter) -> datetime:
    """Return when an event with an unknown outcome is sent again, as soon as its destination doesn't rest any more.

    `attempts` is how many tries of this event ended so before, `state` the destination's after this one: what the API
    asks for holds for all of its events alike.
    """
    longest = LONGEST_WAIT_ANSWERING if state.failures < DOWN_AFTER else LONGEST_WAIT_SILENT
    return now + backoff(attempts, longest, jitter)


def is_resting(state: DestinationState, now: datetime) -> bool:
    """Whether no request may be sent yet. A rest doesn't count that can only come from a clock that was set back.

    Only Retry-After lets a destination rest for longer than a probe's time. It came with an answer, which doesn't lie
    ahead, and from which on the rest isn't longer than any can be.
    """
    if state.rest_until is None or now >= state.rest_until:
        return False
    if state.rest_until - now <= PROBE_EVERY + _APART:
        return True
    if state.answered_at is None or state.answered_at > now + _APART:
        return False
    return state.rest_until - state.answered_at <= LONGEST_REST


def may_probe_suspect(state: DestinationState, now: datetime) -> bool:
    """Whether to ask with an order that was refused before: seldom, while no new one comes."""
    return state.answered_at is None or abs(now - state.answered_at) >= PROBE_EVERY


def next_probe(state: DestinationState, now: datetime, lease: timedelta) -> datetime:
    """Return when to probe again if the worker that probes now doesn't live to say."""
    return now + (PROBE_EVERY if state.condition is Condition.PAUSED else lease)


def is_own_fault(known: DestinationState, suspect_at: datetime | None, now: datetime) -> bool:
    """Whether an event that was refused alone is to blame itself: the credentials were accepted within the hour.

    `known` is the destination before this refusal, `suspect_at` when the event was refused alone before. Without an
    earlier refusal the acceptance must be the last thing known of an open destination: when a second event is
    refused right after it, everything may be. With one, the acceptance must have come since then.

    An acceptance or a refusal that lies ahead comes from a clock that was set back: it proves nothing.
    """
    if known.accepted_at is None or not -_APART <= now - known.accepted_at <= CREDIBLE_FOR:
        return False
    if suspect_at is None:
        return known.condition is Condition.OPEN and known.failures == 0
    return suspect_at < known.accepted_at


def after(state: DestinationState, outcome: Outcome, now: datetime, jitter: Jitter) -> DestinationState:
    """Return what is known of a destination after this answer."""
    if outcome.status is not None:
        ahead = state.clock_ahead if outcome.clock_ahead is None else outcome.clock_ahead
        state = replace(state, answered_at=now, answer=outcome.to_json(), clock_ahead=ahead)
    match outcome.verdict:
        case Verdict.ACCEPTED:
            since = _since(state, Condition.OPEN, now)
            return DestinationState(
                since=since, accepted_at=now, answered_at=now, answer=state.answer, clock_ahead=state.clock_ahead
            )
        case Verdict.UNAUTHORIZED:
            state = replace(state, failures=0, odd_answers=0)
            return _resting(state, Condition.PAUSED, str(outcome), now, PROBE_EVERY)
        case Verdict.REFUSED | Verdict.TOO_LARGE:
            return _after_refusal(state, now)
        case Verdict.UNEXPECTED:
            return _after_odd_answer(state, outcome, now, jitter)
        case _:  # Unknown: what isn't known to be anything else is the same.
            return _after_failure(replace(state, odd_answers=0), outcome, now, jitter)


def doubt(state: DestinationState, outcome: Outcome, now: datetime, jitter: Jitter) -> DestinationState:
    """Return a destination that refuses events although nothing proves our credentials: all may be refused.

    It is asked again after 1 s at first, later after anything up to 30 s.
    """
    since = _since(state, Condition.DOUBTFUL, now)
    rest = max(min(abs(now - since), DOUBT_PROBE_LONGEST) * jitter(), FIRST_WAIT)
    return _resting(state, Condition.DOUBTFUL, str(outcome), now, rest)


def _after_refusal(state: DestinationState, now: datetime) -> DestinationState:
    """Know that it answers; what was accepted before no longer speaks for the next event that is refused alone."""
    state = replace(state, failures=1, odd_answers=0)
    if state.condition is not Condition.DOWN:
        return state
    return replace(state, condition=Condition.OPEN, reason=None, since=now, rest_until=None)


def _after_odd_answer(state: DestinationState, outcome: Outcome, now: datetime, jitter: Jitter) -> DestinationState:
    state = replace(state, odd_answers=state.odd_answers + 1)
    if state.odd_answers < DOWN_AFTER:
        return _after_failure(state, outcome, now, jitter)
    state = replace(state, failures=state.failures + 1)
    reason = f"{DOWN_AFTER} odd answers in a row, the last: {outcome}"
    return _resting(state, Condition.PAUSED, reason, now, PROBE_EVERY)


def _after_failure(state: DestinationState, outcome: Outcome, now: datetime, jitter: Jitter) -> DestinationState:
    state = replace(state, failures=state.failures + 1)
    asked = outcome.retry_after or timedelta(0)
    if state.condition is Condition.PAUSED:
        return replace(state, rest_until=now + max(PROBE_EVERY, asked))
    if state.failures < DOWN_AFTER:
        rest = backoff(state.failures - 1, LONGEST_WAIT_ANSWERING, jitter)
        return replace(state, rest_until=now + max(rest, asked))
    rest = DOWN_PROBE_EVERY + backoff(state.failures - DOWN_AFTER, LONGEST_WAIT_ANSWERING, jitter)
    return _resting(state, Condition.DOWN, str(outcome), now, max(rest, asked))


def _resting(
    state: DestinationState, condition: Condition, reason: str, now: datetime, rest: timedelta
) -> DestinationState:
    since = _since(state, condition, now)
    return replace(state, condition=condition, reason=reason, since=since, rest_until=now + rest)


def _since(state: DestinationState, condition: Condition, now: datetime) -> datetime:
    return state.since if state.condition is condition else now
