"""`adapter diff`: what another mapping file would change, order by order, without sending or writing anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

from adapter.errors import AdapterError, OrderUnreadable, SealBroken
from adapter.operations.diff.orders import Candidate, Orders
from adapter.platforms.document import parse_document
from adapter.platforms.registry import PLATFORMS
from adapter.platforms.webhook import Ignored, OrderNotice, Unreadable
from adapter.purchase.decision import decide
from adapter.shops.shop import Shop


class NothingToCompare(AdapterError):
    """Among what was looked at is no order."""


class Change(StrEnum):
    """What the new file changes for one order."""

    SAME = "the same"
    IDLE = "skipped by both"
    CHANGED = "changed"
    SKIPPED = "newly skipped"
    SENT = "newly sent"
    FAILS = "fails with the new file only"
    FAILED = "fails with the old file only"
    BOTH = "fails with both"


DIFFERENCES = (Change.CHANGED, Change.SKIPPED, Change.SENT, Change.FAILS, Change.FAILED)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one file makes of one order: an event, a skip, or what is wrong with it."""

    event: Mapping[str, Any] | None = None
    skipped: str | None = None
    wrong: str | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """One order that differs."""

    order: str
    change: Change
    before: Outcome
    after: Outcome

    def fields(self) -> Iterator[tuple[str, Any, Any]]:
        """Yield path, old and new value of each field of the event that differs; None for a field that isn't there."""
        if self.change is not Change.CHANGED:
            return
        old, new = dict(_flat("event", self.before.event)), dict(_flat("event", self.after.event))
        for path in dict.fromkeys((*old, *new)):
            if old.get(path) != new.get(path):
                yield path, old.get(path), new.get(path)


@dataclass(slots=True)
class Value:
    """What is sent in one currency: the number of orders and the sum of their values."""

    orders: int = 0
    value: Decimal = Decimal(0)


@dataclass(slots=True)
class Comparison:
    """What came out. `examples` are the first that differ; `no_orders` the first that are no orders, with why."""

    counts: Counter[Change] = field(default_factory=Counter[Change])
    before: dict[str, Value] = field(default_factory=dict[str, Value])
    after: dict[str, Value] = field(default_factory=dict[str, Value])
    examples: list[Example] = field(default_factory=list[Example])
    no_orders: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    others: int = 0

    @property
    def orders(self) -> int:
        """How many orders were looked at."""
        return self.counts.total()

    @property
    def different(self) -> int:
        """How many of them differ."""
        return sum(self.counts[change] for change in DIFFERENCES)


def compare(old: Shop, new: Shop, orders: Orders, most_examples: int) -> Comparison:
    """Put every order through both files; only counts, sums and the first examples are kept.

    Raise `NothingToCompare` when there is no order, and `StorageUnavailable`.
    """
    found = Comparison()
    for candidate in orders.candidates:
        if why := candidate.problem or _no_order(candidate.body, old.platform):
            found.others += 1
            if len(found.no_orders) < most_examples:
                found.no_orders.append((candidate.name, why))
            continue
        before, after = (_outcome(candidate, shop, orders) for shop in (old, new))
        _count(found, Example(candidate.name, _change(before, after), before, after), most_examples)
    if not found.orders:
        first = f" ({found.no_orders[0][0]}: {found.no_orders[0][1]})" if found.no_orders else ""
        raise NothingToCompare(f"there is no order {orders.words}{first}")
    return found


def _no_order(body: bytes, platform: str) -> str | None:
    match PLATFORMS[platform].glance(body):
        case Ignored(reason) | Unreadable(reason):
            return reason
        case OrderNotice(test_notification=True):
            return "the platform's sample order, which is never sent"
        case _:
            return None


def _outcome(candidate: Candidate, shop: Shop, orders: Orders) -> Outcome:
    try:
        order = PLATFORMS[shop.platform].read_order(parse_document(candidate.body), shop.rules.policy.side)
        decision = decide(order, orders.remembered(order), shop.rules, candidate.age)
    except OrderUnreadable as error:
        return Outcome(wrong=f"unreadable: {error}")
    except SealBroken as error:
        return Outcome(wrong=f"its clicks can't be opened: {error}")
    if decision.skip is not None:
        return Outcome(skipped=str(decision.skip))
    if decision.to_send is None:
        return Outcome(wrong="; ".join(decision.problems))
    return Outcome(event=decision.to_send.fields)


def _change(before: Outcome, after: Outcome) -> Change:
    match (before.wrong is not None, after.wrong is not None):
        case (True, True):
            return Change.BOTH
        case (True, False):
            return Change.FAILED
        case (False, True):
            return Change.FAILS
        case _:
            return _change_of_event(before.event, after.event)


def _change_of_event(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> Change:
    if before is None:
        return Change.IDLE if after is None else Change.SENT
    if after is None:
        return Change.SKIPPED
    return Change.SAME if before == after else Change.CHANGED


def _count(found: Comparison, example: Example, most_examples: int) -> None:
    found.counts[example.change] += 1
    for sums, outcome in ((found.before, example.before), (found.after, example.after)):
        if outcome.event is not None:
            purchase = outcome.event["data"]
            value = sums.setdefault(purchase["currency"], Value())
            value.orders += 1
            value.value += purchase["value"]
    if example.change in DIFFERENCES and len(found.examples) < most_examples:
        found.examples.append(example)


def _flat(path: str, value: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401  # An event is any JSON.
    """Yield every leaf of an event with its path."""
    if isinstance(value, dict):
        for name, inner in value.items():  # pyright: ignore[reportUnknownVariableType]  # Its own events.
            yield from _flat(f"{path}.{name}", inner)
    elif isinstance(value, list):
        for index, inner in enumerate(value):  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
            yield from _flat(f"{path}[{index}]", inner)
    else:
        yield path, value
