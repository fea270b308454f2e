"""From facts to causes: every way in which the house is up and doesn't work, with what to do about it.

Pure: the same facts give the same causes. The names are a contract with whoever filters alerts or graphs by them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from adapter.operations.facts import Database, DestinationFacts, Facts, Machine
from adapter.storage.alerts import Cause
from adapter.storage.destinations import Condition, DestinationState
from adapter.storage.vitals import MOST_COUNTED, ShopVitals
from adapter.tally import Counted

DEAD_AFTER = timedelta(seconds=60)
"""A worker looks four times a second, and says so every fifteen."""

LATE_AFTER = timedelta(seconds=60)
"""A due order is taken within a second; Axon merges what arrives within five minutes."""

CLOCK_MAY_BE_OFF = timedelta(seconds=60)

CLOCK_KNOWN_FOR = timedelta(hours=1)
"""What the last answer said of our clock counts for so long."""

LEAST_SILENCE = timedelta(days=1)
SILENT_FOR_GAPS = 10
LEAST_ARRIVALS = 5
"""A shop is silent when no order came for a day and for ten of its usual gaps. Fewer orders tell no usual gap."""

REFUSED_WITHIN = timedelta(hours=1)
REFUSALS = ("400", "401", "413", "415")

FREE_BYTES = 1 << 30
FREE_SHARE = 10
"""The disk is nearly full below a gigabyte and a tenth of it."""

LONGEST_LOG = 64 << 20

_CONDITIONS = {
    Condition.PAUSED: (
        "Axon refuses the key or the pixel id",
        "check AXON_API_KEY and AXON_PIXEL_ID of these shops and restart, or run `adapter resume`; nothing is lost",
    ),
    Condition.DOUBTFUL: (
        "Axon refused events and has accepted none since",
        "look at `adapter status` and the last answer; each new order is a probe, and nothing is lost",
    ),
    Condition.DOWN: (
        "Axon doesn't answer, or only with errors",
        "see whether this machine reaches AXON_API_URL; one probe a minute is sent, and nothing is lost",
    ),
}

_NOT_THE_API = (
    "what answers at AXON_API_URL isn't the Conversion API as its page describes it",
    "check AXON_API_URL, and what stands between: a proxy, a login page; nothing is lost",
)


def causes(facts: Facts) -> list[Cause]:
    """Return what is wrong, the gravest first; nothing when all is well."""
    found = [*_of_database(facts), *_of_delivery(facts)]
    for destination in facts.destinations:
        found += _of_destination(destination, facts)
    for name, vitals in facts.shops.items():
        found += _of_shop(name, vitals, facts)
    return [*found, *_of_machine(facts.machine)]


def _of_database(facts: Facts) -> Iterator[Cause]:
    if facts.database is not Database.WRITABLE:
        can = "can't be used" if facts.database is Database.AWAY else "can be read and not written"
        yield Cause(
            name="database_unusable",
            what=f"the database {can}: webhooks are answered 503, and nothing is delivered",
            remedy="the log says what is wrong with it; what the shops send meanwhile is stored nowhere",
        )
    if facts.clock_ahead is not None and abs(facts.clock_ahead) > CLOCK_MAY_BE_OFF:
        yield _clock_off(facts.clock_ahead, "the database server's", None)


def _clock_off(ahead: timedelta, of_whom: str, destination: str | None) -> Cause:
    side = "ahead of" if ahead > timedelta(0) else "behind"
    return Cause(
        name="clock_off",
        destination=destination,
        what=f"this machine's clock is {abs(ahead) // timedelta(seconds=1)} s {side} {of_whom}",
        remedy="let the machine set its clock by NTP; until then orders may be sent late, or passed over as too old",
    )


def _of_delivery(facts: Facts) -> Iterator[Cause]:
    """Tell when nobody delivers: orders are due, and no worker has looked for them for a while."""
    if facts.database is not Database.WRITABLE or not _is_dead(facts):
        return  # Where nothing can be written no worker can say that it lives, and that isn't what is wrong.
    due = [vitals.due_since for name, vitals in facts.shops.items() if name not in facts.without_destination]
    oldest = min((moment for moment in due if moment is not None), default=None)
    if oldest is not None and facts.at - oldest > LATE_AFTER:
        yield Cause(
            name="delivery_dead",
            since=facts.beat_at or oldest,
            what="orders are due, and no worker looks for them",
            remedy="start `adapter deliver`, or set EMBEDDED_DELIVERY=true; if one runs, its log says what stops it",
        )


def _is_dead(facts: Facts) -> bool:
    """Whether no worker has looked lately; a look that lies ahead was written by a clock that has been set back."""
    return facts.beat_at is None or abs(facts.at - facts.beat_at) > DEAD_AFTER


def _of_destination(destination: DestinationFacts, facts: Facts) -> Iterator[Cause]:
    state = destination.state
    if state.condition is not Condition.OPEN:
        is_odd = state.condition is Condition.PAUSED and state.odd_answers
        what, remedy = _NOT_THE_API if is_odd else _CONDITIONS[state.condition]
        yield Cause(
            name=f"destination_{state.condition.value}",
            destination=destination.id,
            since=state.since,
            what=f"{what} ({_answer(state)}); the orders of {_names(destination.shops)} wait",
            remedy=remedy,
        )
    elif not _is_dead(facts) and (since := _late_since(destination, facts)):
        yield Cause(
            name="orders_late",
            destination=destination.id,
            since=since,
            what=f"orders of {_names(destination.shops)} are due and not sent",
            remedy="a long backlog ends by itself; else `adapter status` and the worker's log say what holds them",
        )
    ahead = timedelta(seconds=state.clock_ahead or 0)
    is_known = state.answered_at is not None and abs(facts.at - state.answered_at) <= CLOCK_KNOWN_FOR
    if is_known and abs(ahead) > CLOCK_MAY_BE_OFF:
        yield _clock_off(ahead, "the Conversion API's", destination.id)


def _answer(state: DestinationState) -> str:
    """Return the answer's status, or why none came. Its own words may repeat what was sent."""
    status = re.search(r"\banswer \d{3}\b", state.reason or "")
    return status[0] if status else (state.reason or "no answer").partition(":")[0]


def _names(shops: Sequence[str]) -> str:
    shown = ", ".join(shops[:5])
    return shown if len(shops) <= 5 else f"{shown} and {len(shops) - 5} more"  # noqa: PLR2004  # As many as are shown.


def _late_since(destination: DestinationFacts, facts: Facts) -> datetime | None:
    """Return since when orders are late, None when none is: a destination that was shut gets its time to catch up."""
    due = [vitals.due_since for name in destination.shops if (vitals := facts.shops.get(name)) and vitals.due_since]
    if not due:
        return None
    was_shut = destination.state.answered_at is not None
    since = max(min(due), destination.state.since) if was_shut else min(due)
    return since if facts.at - since > LATE_AFTER else None


def _of_shop(name: str, vitals: ShopVitals, facts: Facts) -> Iterator[Cause]:
    if name in facts.without_destination and vitals.due_since is not None:
        yield Cause(
            name="destination_missing",
            shop=name,
            since=vitals.due_since,
            what=f"the orders of {name} wait: it has no pixel id or no key",
            remedy="`adapter check` names the missing variable; set it and restart",
        )
    if vitals.quarantined:
        count = f"{MOST_COUNTED} and more" if vitals.quarantined >= MOST_COUNTED else str(vitals.quarantined)
        yield Cause(
            name="quarantine_growing",
            shop=name,
            since=vitals.quarantined_since,
            what=f"orders of {name} quarantined within a day: {count}",
            remedy="`adapter orders --state quarantined` says why; mend it, then `adapter retry --all-quarantined`",
        )
    yield from _silent(name, vitals, facts.at)
    yield from _refused(name, facts)


def _silent(name: str, vitals: ShopVitals, now: datetime) -> Iterator[Cause]:
    if len(vitals.arrivals) < LEAST_ARRIVALS:
        return
    last, first = vitals.arrivals[0], vitals.arrivals[-1]
    gap = (last - first) / (len(vitals.arrivals) - 1)
    if now - last > max(LEAST_SILENCE, SILENT_FOR_GAPS * gap):
        yield Cause(
            name="shop_silent",
            shop=name,
            since=last,
            what=f"no order of {name} came in for {_span(now - last)}; usually one came every {_span(gap)}",
            remedy="see whether the shop's webhook is still active and its URL right; WooCommerce disables one "
            "after five failures",
        )


def _span(span: timedelta) -> str:
    if span >= timedelta(days=2):
        return f"{span // timedelta(days=1)} days"
    if span >= timedelta(hours=2):
        return f"{span // timedelta(hours=1)} hours"
    return f"{max(span // timedelta(minutes=1), 1)} min"


def _refused(name: str, facts: Facts) -> Iterator[Cause]:
    """Tell when the last webhooks that came for a shop were refused, and none was taken since."""
    refusals = [
        (total.last_at, status)
        for status in REFUSALS
        if (total := facts.totals.get(Counted("webhooks", name, status)))
    ]
    if not refusals:
        return
    last, status = max(refusals)
    taken = facts.totals.get(Counted("webhooks", name, "200"))
    if facts.at - last <= REFUSED_WITHIN and (taken is None or taken.last_at < last):
        yield Cause(
            name="webhooks_refused",
            shop=name,
            since=last,
            what=f"webhooks for {name} are refused ({status}), and none was taken since",
            remedy="the log says what is wrong: mostly the secret is another; if the shop sent none, a stranger did",
        )


def _of_machine(machine: Machine | None) -> Iterator[Cause]:
    if machine is None:
        return
    if machine.free < min(FREE_BYTES, machine.disk // FREE_SHARE):
        yield Cause(
            name="disk_nearly_full",
            what=f"the database's disk has {machine.free >> 20} MB free of {machine.disk >> 20}",
            remedy="make room, or a larger disk; once it is full, webhooks are answered 503",
        )
    if machine.log > LONGEST_LOG:
        yield Cause(
            name="log_growing",
            what=f"SQLite's log beside the database has {machine.log >> 20} MB",
            remedy="another program reads the file without a pause (a backup, a shell): end it",
        )
