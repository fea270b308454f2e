"""What follows from an answer: one table, and nothing but the clock, the state and the jitter decide."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

import pytest

from adapter.axon.outcome import Outcome, Verdict, verdict_of
from adapter.delivery import policy
from adapter.storage.destinations import Condition, DestinationState

NOON = datetime.fromisoformat("2026-05-01T12:00:00+00:00")
SECOND, MINUTE, YEAR = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=365)
OPEN = DestinationState(since=NOON - 60 * MINUTE)
PAUSED = replace(OPEN, condition=Condition.PAUSED, reason="a wrong key")
DOUBTFUL = replace(OPEN, condition=Condition.DOUBTFUL, reason="a refusal", rest_until=NOON)
DOWN = replace(OPEN, condition=Condition.DOWN, reason="silence", failures=7, rest_until=NOON)


def half() -> float:
    """Be the middle of all jitter."""
    return 0.5


def nothing() -> float:
    """Be the least jitter."""
    return 0.0


def most() -> float:
    """Be nearly the most jitter."""
    return 0.999999


def answered(status: int, retry_after: timedelta | None = None) -> Outcome:
    """Return an answer with this status."""
    return Outcome(verdict=verdict_of(status), status=status, retry_after=retry_after)


SILENCE = Outcome(verdict=Verdict.UNKNOWN, problem="no answer in time")
BUSY = answered(503)
ACCEPTED, REFUSED, TOO_LARGE, UNAUTHORIZED, ODD = map(answered, (200, 400, 413, 401, 302))


@pytest.mark.parametrize(("attempts", "ceiling"), [(0, 1), (1, 2), (3, 8), (5, 32), (6, 60), (40, 60), (10**9, 60)])
def test_full_jitter(attempts: int, ceiling: int) -> None:
    """A wait lies anywhere from nothing to 1 s × 2^attempts, at most the longest."""
    assert timedelta(0) == policy.backoff(attempts, MINUTE, nothing)
    assert ceiling * SECOND / 2 == policy.backoff(attempts, MINUTE, half)
    assert ceiling * SECOND > policy.backoff(attempts, MINUTE, most) > ceiling * SECOND * 0.99


def test_a_batch_parts_into_few() -> None:
    """A batch's waits have eight values at most, and over many batches each wait is as likely as any other."""
    random = Random(5).random  # noqa: S311  # Waits aren't secret.
    batches = []
    for _ in range(500):
        parting = policy.parting(random)
        batches.append([parting() for _ in range(100)])
    assert {policy.PARTS} == {len(set(batch)) for batch in batches}
    waits = [wait for batch in batches for wait in batch]
    assert 0 <= min(waits) < 0.001
    assert 0.999 < max(waits) < 1
    tenths = [sum(tenth <= wait * 10 < tenth + 1 for wait in waits) for tenth in range(10)]
    assert all(4_000 < count < 6_000 for count in tenths)


def test_waits_are_spread_evenly() -> None:
    """Of 10,000 waits about a tenth falls into each tenth of the range: no two workers come back in step."""
    random = Random(4).random  # noqa: S311  # Waits aren't secret.
    waits = [policy.backoff(3, MINUTE, random) / SECOND for _ in range(10_000)]
    tenths = [sum(tenth <= wait / 0.8 < tenth + 1 for wait in waits) for tenth in range(10)]
    assert 10_000 == sum(tenths)
    assert 900 < min(tenths) <= max(tenths) < 1100


@pytest.mark.parametrize(("failures", "longest"), [(0, 60), (4, 60), (5, 600), (50, 600)])
def test_an_event_waits_longer_while_nothing_answers(failures: int, longest: int) -> None:
    """At most a minute while the destination answers others, ten minutes when it is down."""
    state = replace(OPEN, failures=failures)
    assert NOON + longest * SECOND / 2 == policy.next_try(20, state, NOON, half)


@pytest.mark.parametrize(
    ("rest", "resting"),
    [
        (None, False),
        (timedelta(0), False),
        (-SECOND, False),
        (SECOND, True),
        (6 * MINUTE, True),
        (7 * MINUTE, False),
        (65 * MINUTE, False),
        (10 * YEAR, False),
    ],
)
def test_a_rest_ends(rest: timedelta | None, resting: bool) -> None:
    """It ends at its moment; one longer than any that is ever given comes from a clock that was set back."""
    state = replace(PAUSED, rest_until=None if rest is None else NOON + rest)
    assert resting is policy.is_resting(state, NOON)


@pytest.mark.parametrize(
    ("answered", "rest", "resting"),
    [
        (0, 60, True),
        (-30, 30, True),
        (-30, 32, False),
        (-70, 10, False),
        (-70, 5, True),
        (0.5, 60, True),
        (2, 6, True),
        (2, 7, False),
        (60, 60.1, False),
        (-10 * YEAR / MINUTE, 59, False),
        (10 * YEAR / MINUTE, 10 * YEAR / MINUTE + 1, False),
        (10 * YEAR / MINUTE, 1, True),
    ],
)
def test_a_rest_of_a_clock_that_was_set_back(answered: float, rest: float, resting: bool) -> None:
    """Only an answer makes it longer than a probe's time, by an hour at most; an answer that lies ahead tells nothing.

    Shorter rests count always: an API that doesn't answer isn't stormed because an old answer lies ahead. Both are
    minutes from now.
    """
    state = replace(OPEN, failures=1, answered_at=NOON + answered * MINUTE, rest_until=NOON + rest * MINUTE)
    assert resting is policy.is_resting(state, NOON)


@pytest.mark.parametrize(
    ("answered_at", "allowed"),
    [(None, True), (NOON, False), (NOON - 4 * MINUTE, False), (NOON - 5 * MINUTE, True), (NOON + YEAR, True)],
)
def test_a_suspect_is_a_probe_now_and_then(answered_at: datetime | None, allowed: bool) -> None:
    """Every five minutes, also after the clock was set back."""
    assert allowed is policy.may_probe_suspect(replace(DOUBTFUL, answered_at=answered_at), NOON)


def test_a_probe_that_dies_is_repeated() -> None:
    """After the lease; for refused credentials no sooner than any other probe."""
    assert NOON + 5 * MINUTE == policy.next_probe(PAUSED, NOON, MINUTE)
    assert NOON + MINUTE == policy.next_probe(DOUBTFUL, NOON, MINUTE)
    assert NOON + MINUTE == policy.next_probe(DOWN, NOON, MINUTE)


@pytest.mark.parametrize(
    ("minutes_ago", "guilty"),
    [(None, False), (0, True), (1, True), (60, True), (61, False), (-1, True), (-2, False), (-60, False)],
)
def test_an_acceptance_within_the_hour_proves_an_event_guilty(minutes_ago: int | None, guilty: bool) -> None:
    """Older ones prove nothing, nor those that lie ahead since the clock was set back; two machines' may be apart."""
    at = None if minutes_ago is None else NOON - minutes_ago * MINUTE
    assert guilty is policy.is_own_fault(replace(OPEN, accepted_at=at), None, NOON)


@pytest.mark.parametrize(
    "known",
    [
        replace(OPEN, failures=1),
        replace(PAUSED, accepted_at=NOON),
        replace(DOUBTFUL, accepted_at=NOON),
        replace(DOWN, accepted_at=NOON, failures=0),
    ],
)
def test_an_acceptance_proves_one_event_guilty_at_most(known: DestinationState) -> None:
    """After any trouble since the acceptance everything may be refused: the event isn't to blame yet."""
    assert not policy.is_own_fault(replace(known, accepted_at=NOON - MINUTE), None, NOON)


@pytest.mark.parametrize(
    ("suspect_minutes_ago", "guilty"),
    [(10, True), (5, False), (4, False), (0, False), (-30, False), (-YEAR / MINUTE, False)],
)
def test_a_suspect_is_guilty_after_a_later_acceptance(suspect_minutes_ago: float, guilty: bool) -> None:
    """It was accepted five minutes ago: an event refused before that and again now is to blame itself.

    A refusal that lies ahead, since the clock was set back, tells nothing of which came first.
    """
    for condition in (OPEN, DOUBTFUL):
        known = replace(condition, accepted_at=NOON - 5 * MINUTE, failures=3)
        assert guilty is policy.is_own_fault(known, NOON - suspect_minutes_ago * MINUTE, NOON)


@pytest.mark.parametrize("before", [OPEN, PAUSED, DOUBTFUL, DOWN])
def test_acceptance_clears_everything(before: DestinationState) -> None:
    """After a 200 the destination is open, whatever it was."""
    before = replace(before, odd_answers=4, failures=3)
    expected = DestinationState(
        since=OPEN.since if before.condition is Condition.OPEN else NOON,
        accepted_at=NOON,
        answered_at=NOON,
        answer='{"verdict": "accepted", "status": 200}',
    )
    assert expected == policy.after(before, ACCEPTED, NOON, half)


@pytest.mark.parametrize("status", [401, 403, 404])
@pytest.mark.parametrize("before", [OPEN, DOUBTFUL, DOWN])
def test_refused_credentials_pause(before: DestinationState, status: int) -> None:
    """They pause for five minutes at a time; the pause keeps its beginning."""
    state = policy.after(before, answered(status), NOON, half)
    assert (Condition.PAUSED, f"answer {status}") == (state.condition, state.reason)
    assert (NOON, NOON + 5 * MINUTE, 0) == (state.since, state.rest_until, state.failures)
    again = policy.after(state, answered(status), NOON + 5 * MINUTE, half)
    assert (NOON, NOON + 10 * MINUTE) == (again.since, again.rest_until)


def test_a_key_that_cannot_be_sent_pauses_without_an_answer() -> None:
    """Nothing was asked, so there is no answer to show."""
    state = policy.after(OPEN, Outcome(verdict=Verdict.UNAUTHORIZED, problem="a bad key"), NOON, half)
    assert (Condition.PAUSED, "a bad key", None, None) == (
        state.condition,
        state.reason,
        state.answered_at,
        state.answer,
    )


@pytest.mark.parametrize("outcome", [REFUSED, TOO_LARGE])
def test_a_refusal_ends_silence_and_nothing_else(outcome: Outcome) -> None:
    """A destination that refuses a batch answers: it isn't down; a pause or a doubt stays."""
    back = policy.after(replace(DOWN, odd_answers=3), outcome, NOON, half)
    assert (Condition.OPEN, None, None, 1, 0) == (
        back.condition,
        back.reason,
        back.rest_until,
        back.failures,
        back.odd_answers,
    )
    for before in (OPEN, PAUSED, DOUBTFUL):
        after = policy.after(before, outcome, NOON, half)
        assert (before.condition, before.reason, before.rest_until) == (
            after.condition,
            after.reason,
            after.rest_until,
        )


@pytest.mark.parametrize("outcome", [SILENCE, BUSY, answered(408), answered(429), answered(500), answered(418)])
def test_five_failures_in_a_row_make_it_down(outcome: Outcome) -> None:
    """With or without an answer; before that the whole destination rests a little longer each time."""
    state = OPEN
    for failures, rest in ((1, 0.5), (2, 1), (3, 2), (4, 4)):
        state = policy.after(state, outcome, NOON, half)
        assert (Condition.OPEN, failures, NOON + rest * SECOND) == (state.condition, state.failures, state.rest_until)
    state = policy.after(state, outcome, NOON, half)
    assert (Condition.DOWN, str(outcome), NOON, NOON + 60.5 * SECOND) == (
        state.condition,
        state.reason,
        state.since,
        state.rest_until,
    )


def test_a_probe_a_minute_at_most_while_it_is_down() -> None:
    """However long it lasts, probes are one to two minutes apart."""
    for failures in (5, 6, 20, 10_000):
        for jitter in (nothing, half, most):
            state = policy.after(replace(DOWN, failures=failures), SILENCE, NOON, jitter)
            assert state.rest_until is not None
            assert NOON + MINUTE <= state.rest_until <= NOON + 2 * MINUTE


@pytest.mark.parametrize(
    ("before", "rest"),
    [(OPEN, 7), (DOUBTFUL, 7), (DOWN, 68), (replace(DOWN, failures=4), 61), (PAUSED, 300)],
)
def test_what_a_busy_destination_asks_for(before: DestinationState, rest: float) -> None:
    """Retry-After lets the whole destination rest, when it rests no longer anyway."""
    rests = [policy.after(before, answered(429, asked * SECOND), NOON, most).rest_until for asked in (7, 3000)]
    assert NOON + 3000 * SECOND == rests[1]
    assert rests[0] is not None
    assert abs(rests[0] - NOON - rest * SECOND) < SECOND


def test_a_pause_goes_on_when_the_probe_gets_no_answer() -> None:
    """Its reason stays, and the next probe comes in five minutes."""
    state = policy.after(PAUSED, SILENCE, NOON, half)
    assert (Condition.PAUSED, "a wrong key", NOON + 5 * MINUTE) == (state.condition, state.reason, state.rest_until)


def test_five_odd_answers_in_a_row_pause() -> None:
    """Until then each counts as a failure."""
    state = OPEN
    for number in range(1, 5):
        state = policy.after(state, ODD, NOON, nothing)
        assert (Condition.OPEN, number, number) == (state.condition, state.odd_answers, state.failures)
    state = policy.after(state, answered(204), NOON, half)
    assert (Condition.PAUSED, NOON + 5 * MINUTE) == (state.condition, state.rest_until)
    assert "5 odd answers in a row, the last: answer 204" == state.reason
    assert Condition.PAUSED is policy.after(state, ODD, NOON, half).condition


@pytest.mark.parametrize("between", [SILENCE, REFUSED, ACCEPTED, UNAUTHORIZED])
def test_any_other_outcome_begins_to_count_odd_answers_anew(between: Outcome) -> None:
    """Five in a row means: nothing else between them."""
    assert 0 == policy.after(replace(OPEN, odd_answers=4), between, NOON, half).odd_answers


def test_a_mixture_of_failures_is_down_as_well() -> None:
    """Odd answers and silence by turns: after five the circuit opens."""
    state = OPEN
    for outcome in (ODD, SILENCE, ODD, SILENCE, ODD):
        state = policy.after(state, outcome, NOON, half)
    assert Condition.DOWN is state.condition


@pytest.mark.parametrize("before", [OPEN, PAUSED, DOWN])
def test_a_doubt_begins_with_a_short_rest(before: DestinationState) -> None:
    """One bad event in a quiet shop holds the next order up by a second."""
    state = policy.doubt(before, REFUSED, NOON, most)
    assert (Condition.DOUBTFUL, "answer 400", NOON, NOON + SECOND) == (
        state.condition,
        state.reason,
        state.since,
        state.rest_until,
    )


@pytest.mark.parametrize(
    ("minutes", "shortest", "longest"), [(0.05, 1, 3), (0.25, 1, 15), (10, 1, 30), (-YEAR / MINUTE, 1, 30)]
)
def test_a_doubt_rests_longer_while_it_lasts(minutes: float, shortest: int, longest: int) -> None:
    """Up to 30 s, with full jitter; also when the clock was set back."""
    doubtful = replace(DOUBTFUL, since=NOON - minutes * MINUTE)
    for jitter, seconds in ((nothing, shortest), (most, longest)):
        state = policy.doubt(doubtful, REFUSED, NOON, jitter)
        assert state.rest_until is not None
        assert abs(state.rest_until - NOON - seconds * SECOND) < 0.1 * SECOND
        assert doubtful.since == state.since


@pytest.mark.parametrize("status", [200, 400, 401, 503])
def test_our_clock(status: int) -> None:
    """What an answer says of our clock is kept until another one says something else; a silence says nothing."""
    state = policy.after(OPEN, replace(answered(status), clock_ahead=90), NOON, half)
    assert 90 == state.clock_ahead
    for outcome in (answered(status), SILENCE):
        assert 90 == policy.after(state, outcome, NOON, half).clock_ahead
    assert -1 == policy.after(state, replace(answered(status), clock_ahead=-1), NOON, half).clock_ahead
