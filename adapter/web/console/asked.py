"""What a page is asked for: the query of its address, whatever it holds, becomes a question to the ledger."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from adapter.storage.search import Mark, Wanted
from adapter.storage.tables import State

_LONGEST = 200
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ADDRESS = re.compile(r"(?:/orders/|/Order/|[?&](?:post|id)=)([0-9]+)")
"""Where the id stands in an order's address in Shopify's admin, in its global id, and in WooCommerce's two screens."""

_LATEST = datetime(9999, 1, 1, tzinfo=UTC)
_LARGEST_ID = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The question as it stands in the form; what is nonsense there is left out."""

    order: str
    shop: str
    state: str
    reason: str
    day: str
    older: Mark | None
    newer: Mark | None

    @property
    def is_by_name(self) -> bool:
        """Whether an order is looked for by its name, like #1001, which isn't stored."""
        return self.order.startswith("#")

    @property
    def wanted(self) -> Wanted:
        """The question to the ledger."""
        day = _day(self.day)
        start = None if day is None else datetime.combine(day, time(), UTC)
        return Wanted(
            shop=self.shop or None,
            state=State(self.state) if self.state else None,
            kind=self.reason or None,
            order_id=self.order or None,
            since=start,
            until=None if start is None else start + timedelta(days=1),
        )

    def query(self, **marks: Mark | None) -> dict[str, str]:
        """Return the query of an address that asks the same, from another mark."""
        words = {"order": self.order, "shop": self.shop, "state": self.state, "reason": self.reason, "day": self.day}
        beside = {name: _written(mark) for name, mark in marks.items() if mark is not None}
        return {name: word for name, word in words.items() if word} | beside


def asked_in(query: Mapping[str, str]) -> Asked:
    """Read the question out of a query."""
    texts = {name: _text(query.get(name, "")) for name in ("order", "shop", "state", "reason", "day")}
    texts["order"] = _order(texts["order"])
    if texts["state"] not in {state.value for state in State}:
        texts["state"] = ""
    if _day(texts["day"]) is None:
        texts["day"] = ""
    return Asked(**texts, older=_mark(query.get("older", "")), newer=_mark(query.get("newer", "")))


def _text(text: str) -> str:
    """Return what a database takes: PostgreSQL refuses a NUL, and both what is no Unicode."""
    cleaned = "".join(sign for sign in text if sign.isprintable()).strip()
    return cleaned[:_LONGEST].encode("utf-8", "ignore").decode()


def _order(text: str) -> str:
    """Return the id of an order that was looked for by its address in the shop's admin."""
    found = _ADDRESS.search(text)
    return found[1] if found else text


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if _EPOCH.date() <= day < _LATEST.date() else None


def _written(mark: Mark) -> str:
    return f"{(mark.received_at - _EPOCH) // timedelta(microseconds=1)}-{mark.id}"


def _mark(text: str) -> Mark | None:
    moment, _, id_ = text.partition("-")
    if not (moment.isascii() and moment.isdecimal() and id_.isascii() and id_.isdecimal()) or len(text) > _LONGEST:
        return None
    microseconds = min(int(moment), (_LATEST - _EPOCH) // timedelta(microseconds=1))
    return Mark(_EPOCH + timedelta(microseconds=microseconds), min(int(id_), _LARGEST_ID))
