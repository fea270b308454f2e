"""The invariants I1–I7 of a campaign, over what the shops know, what the database says and what the API received."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from campaigns.orders import CANARIES, PIXELS, Order
from campaigns.received import (
    Batch,
    Key,
    at_once_in,
    changed_in,
    purchases_in,
    resent_in,
    revenue_of,
    twice_in_one_batch,
)

_SETTLED = ("delivered", "quarantined", "skipped")


@dataclass(slots=True)
class Findings:
    """What was found: how many acknowledged orders are lost, counted twice or stuck, and every problem in words."""

    lost: int = 0
    doubled: int = 0
    stuck: int = 0
    resent: int = 0
    problems: list[str] = field(default_factory=list)

    def add(self, what: str, which: Iterable[object]) -> int:
        """Note a problem with a few of its cases; return how many there are."""
        cases = sorted(map(str, which))
        if cases:
            self.problems.append(f"{what}: {len(cases)}, like {', '.join(cases[:3])}")
        return len(cases)


def check(
    acknowledged: Mapping[tuple[str, str], Order],
    rows: Sequence[Mapping[str, Any]],
    batches: list[Batch],
    logs: Iterable[Path],
    *,
    may_overlap: bool = False,
) -> Findings:
    """Hold the invariants against a campaign that has come to rest.

    `may_overlap`: a worker was frozen with a batch in hand, so the same bytes may arrive twice at once.
    """
    found = Findings(resent=resent_in(batches))
    by_key = Counter((row["shop"], row["order_id"]) for row in rows)
    states = {(row["shop"], row["order_id"]): row["state"] for row in rows}
    _every_order_has_one_row(found, acknowledged, by_key)
    _no_row_waits(found, rows)
    _each_has_its_fate(found, acknowledged, states)
    _revenue_is_exact(found, acknowledged, batches)
    _nothing_is_sent_differently(found, batches, may_overlap=may_overlap)
    _settled_is_settled(found, rows, batches, may_overlap=may_overlap)
    _nothing_personal_is_logged(found, logs)
    return found


def _key(order: Order) -> Key:
    return PIXELS[order.shop], order.id


def _every_order_has_one_row(
    found: Findings, acknowledged: Mapping[tuple[str, str], Order], by_key: Counter[tuple[str, str]]
) -> None:
    """I1, I6: what was answered 200 stands in the database, once."""
    found.lost += found.add("I1: answered 200 and not stored", set(acknowledged) - set(by_key))
    found.doubled += found.add("I1: stored twice", [key for key, times in by_key.items() if times > 1])


def _no_row_waits(found: Findings, rows: Sequence[Mapping[str, Any]]) -> None:
    """I2, I5: at rest every row is in a final state."""
    waiting = [(row["shop"], row["order_id"], row["state"]) for row in rows if row["state"] not in _SETTLED]
    found.stuck += found.add("I5: not settled", waiting)


def _each_has_its_fate(
    found: Findings, acknowledged: Mapping[tuple[str, str], Order], states: Mapping[tuple[str, str], str]
) -> None:
    """I2: a good order is delivered, a refused one is quarantined."""
    other = [
        (*key, states[key], order.fate)
        for key, order in acknowledged.items()
        if states.get(key) in _SETTLED and states[key] != order.fate
    ]
    found.add("I2: settled otherwise than it should be", other)


def _revenue_is_exact(found: Findings, acknowledged: Mapping[tuple[str, str], Order], batches: list[Batch]) -> None:
    """I3: Axon counts each good order once, and the values add up to the cent."""
    wanted = {_key(order): order for order in acknowledged.values() if order.fate == "delivered"}
    counted = purchases_in(batches)
    found.lost += found.add("I3: good, and never processed", set(wanted) - set(counted))
    found.doubled += found.add("I3: processed, and no good order", set(counted) - set(wanted))
    sums: Counter[str] = Counter()
    for key, order in wanted.items():
        if key in counted:
            sums[order.currency] += order.value  # type: ignore[assignment]  # Counter adds decimals as well.
    received = revenue_of({key: event for key, event in counted.items() if key in wanted})
    found.add("I3: another sum", [(c, sums[c], received[c]) for c in {*sums, *received} if sums[c] != received[c]])


def _nothing_is_sent_differently(found: Findings, batches: list[Batch], *, may_overlap: bool) -> None:
    """I4: no id twice in a batch or twice at once; equal bytes after anything but a definite refusal."""
    found.doubled += found.add("I4: twice in one batch", twice_in_one_batch(batches))
    found.doubled += found.add("I4: sent again with other bytes", changed_in(batches))
    if not may_overlap:
        found.doubled += found.add("I4: sent twice at once", at_once_in(batches))


def _settled_is_settled(
    found: Findings, rows: Sequence[Mapping[str, Any]], batches: list[Batch], *, may_overlap: bool
) -> None:
    """I2, I4: what is marked as delivered was processed, and isn't sent any more."""
    processed = purchases_in(batches)
    marked = {(PIXELS[row["shop"]], row["order_id"]): row for row in rows if row["state"] == "delivered"}
    found.lost += found.add("I2: marked as delivered, and never processed", set(marked) - set(processed))
    late = {
        event.key
        for batch in batches
        for event in batch.events
        if not may_overlap and event.key in marked and batch.at > _seconds(marked[event.key]["settled_at"])
    }
    found.doubled += found.add("I4: sent after it was marked as delivered", late)


def _seconds(moment: Any) -> float:
    if isinstance(moment, str):  # SQLite's.
        moment = datetime.fromisoformat(moment)
    return float((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def _nothing_personal_is_logged(found: Findings, logs: Iterable[Path]) -> None:
    """I7: no e-mail, phone, address, token or secret in anything that a process printed."""
    for log in logs:
        text = log.read_text(errors="replace").lower()
        leaked = [canary for canary in CANARIES if canary.lower() in text]
        found.add(f"I7: in {log.name}", leaked)
