"""Comparing what was expected with what the sandbox received and what the ledger says; never with our own sums."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from adapter.operations.demo.shops import SHOPS
from adapter.operations.demo.story import NOTHING, Expected, Story

CLICKS = ("aleid", "alart", "axwrt", "client_id", "sid")
BUYER = {"email": "email", "phone": "phone", "user_id": "user_id", "client_ip_address": "ip"}
"""The other identifiers by Axon's name, and how the table calls them."""

SETTLED = ("delivered", "skipped", "quarantined")


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """A story that was played: when its deciding webhook was sent, the answer, and what went wrong on the way."""

    story: Story
    sent_at: datetime
    answer: str
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What `GET /received` of the sandbox and `adapter orders --json` say at the end."""

    received: Mapping[str, Any]
    ledger: Sequence[Mapping[str, Any]]

    def events_of(self, story: Story) -> list[Mapping[str, Any]]:
        """Return what the sandbox received of this order."""
        key = (SHOPS[story.shop].pixel_id, story.order_id)
        return [event for event in self.received["events"] if _key(event) == key]

    def happened(self, story: Story) -> str | None:
        """Return the order's state in the ledger with its rule, like "skipped: test"; None when it isn't there."""
        for row in self.ledger:
            if (row["shop"], row["order"]) == (story.shop, story.order_id):
                rule = (row["reason"] or "").partition(":")[0]
                return f"{row['state']}: {rule}" if rule else str(row["state"])
        return None


def _key(event: Mapping[str, Any]) -> tuple[Any, Any]:
    return event["pixel_id"], event["dedupe_id"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the table: what really came, and in what it isn't as expected (nothing: all is well)."""

    story: Story
    happened: str
    value: str = ""
    tax: str = ""
    shipping: str = ""
    currency: str = ""
    clicks: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    buyer: frozenset[str] = frozenset()
    purchases: int = 0
    milliseconds: int | None = None
    problems: tuple[str, ...] = ()

    @property
    def identifiers(self) -> tuple[str, ...]:
        """The names of all identifiers that came, click identifiers first."""
        names = (*CLICKS, *BUYER.values())
        return tuple(name for name in names if name in self.clicks or name in self.buyer)


def judge(played: Played, evidence: Evidence) -> Line:
    """Return the line of one story."""
    story = played.story
    events = evidence.events_of(story)
    if events:
        seen = _delivered(story, events, played.sent_at)
    else:
        in_ledger = evidence.happened(story)
        seen = Line(story=story, happened=in_ledger or f"{played.answer}, nothing stored")
    problems = (*played.problems, *_differences(story.expected, seen), *_remarks(events))
    return replace(seen, problems=problems)


def _delivered(story: Story, events: Sequence[Mapping[str, Any]], sent_at: datetime) -> Line:
    event: Mapping[str, Any] = events[0]["event"]
    amounts, user = event["data"], event["user_data"]
    took = datetime.fromisoformat(events[0]["at"]) - sent_at
    return Line(
        story=story,
        happened="delivered",
        value=_text(amounts.get("value")),
        tax=_text(amounts.get("tax")),
        shipping=_text(amounts.get("shipping")),
        currency=_text(amounts.get("currency")),
        clicks={name: user[name] for name in CLICKS if user.get(name)},
        buyer=frozenset(shown for name, shown in BUYER.items() if user.get(name)),
        purchases=sum(one["event"].get("name") == "purchase" for one in events),
        milliseconds=round(took / timedelta(milliseconds=1)),
    )


def _text(value: object) -> str:
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _differences(expected: Expected, seen: Line) -> Iterator[str]:
    if expected.happened != seen.happened:
        yield f"expected {expected.happened}, and it was {seen.happened}"
    for name in ("value", "tax", "shipping"):
        wanted, got = getattr(expected, name), getattr(seen, name)
        if not _same_amount(wanted, got):
            yield f"expected {name} {wanted or 'none'}, got {got or 'none'}"
    if expected.currency != seen.currency:
        yield f"expected currency {expected.currency or 'none'}, got {seen.currency or 'none'}"
    if expected.clicks != seen.clicks:
        yield f"expected click identifiers {_pairs(expected.clicks)}, got {_pairs(seen.clicks)}"
    if expected.buyer != seen.buyer:
        yield f"expected of the buyer {' '.join(sorted(expected.buyer))}, got {' '.join(sorted(seen.buyer))}"
    if expected.purchases != seen.purchases:
        yield f"expected purchase events: {expected.purchases}, got {seen.purchases}"


def _same_amount(wanted: str, got: str) -> bool:
    try:
        return wanted == got or Decimal(wanted) == Decimal(got)
    except InvalidOperation:
        return False


def _pairs(clicks: Mapping[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in sorted(clicks.items())) or "none"


def _remarks(events: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for event in events:
        yield from (f"the sandbox remarks: {remark}" for remark in event["remarks"])
        if event["outcome"] != "accepted":
            yield f"the sandbox received it again ({event['outcome']})"


def unexpected(stories: Sequence[Story], evidence: Evidence) -> Iterator[str]:
    """Yield what the sandbox or the ledger holds beyond the stories, and every batch that wasn't accepted."""
    known = {(SHOPS[story.shop].pixel_id, story.order_id) for story in stories}
    for event in evidence.received["events"]:
        if _key(event) not in known:
            yield f"the sandbox received an event that nobody expected: {event['dedupe_id']} for {event['pixel_id']}"
    stored = {(story.shop, story.order_id) for story in stories if story.is_stored}
    for row in evidence.ledger:
        if (row["shop"], row["order"]) not in stored:
            yield f"the ledger holds an order that nobody expected: {row['order']} of {row['shop']} ({row['state']})"
    for batch in evidence.received["batches"]:
        if batch["status"] != 200:  # noqa: PLR2004  # "200 OK: all events processed", says the API's page.
            yield f"the sandbox answered a batch with {batch['status']}: {batch['reason']}"
    purchases = sum(story.expected.purchases for story in stories)
    if evidence.received["purchases"] != purchases:
        yield f"expected {purchases} purchases in all, the sandbox counted {evidence.received['purchases']}"
