"""What is played in the demo: who sends what in which order, and, written by hand beside it, what must come of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

NOTHING: Mapping[str, str] = {}


class Body(Protocol):
    """What a webhook carries; `now` is the moment at which the play begins, to which every date is relative."""

    def document(self, now: datetime) -> Mapping[str, Any]:
        """Return the body as JSON values."""
        ...


@dataclass(frozen=True, slots=True)
class Form:
    """A form-encoded body, as WooCommerce's set-up ping has it."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One webhook request. `answer` is what must come back: the status, then what became of the body if it was 200.

    `forged` signs with a secret that isn't the shop's.
    """

    topic: str
    body: Body | Form
    answer: str
    forged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Click:
    """What the buyer's browser posts to /clicks/<shop>; `origin` is its Origin header ("null" from a sandboxed frame).

    `late` posts it after the order was sent, as a browser does that was slower than the shop.
    """

    posted: Mapping[str, str]
    origin: str
    late: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What must come of a story.

    `happened` is "delivered", a state of the ledger with its rule ("skipped: test"), or the answer of a webhook that
    leaves nothing behind ("401, nothing stored"). Amounts are texts in major units. `clicks` are the click
    identifiers with their values, `buyer` the names of all others.
    """

    happened: str
    value: str = ""
    tax: str = ""
    shipping: str = ""
    currency: str = ""
    clicks: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    buyer: frozenset[str] = frozenset()
    purchases: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One line of the table.

    `later` is sent after the ledger said `between` of what was sent at first. `order_id` is "" when none is sent.
    """

    shop: str
    order_id: str
    name: str
    deliveries: tuple[Delivery, ...]
    expected: Expected
    click: Click | None = None
    between: str = ""
    later: tuple[Delivery, ...] = ()

    @property
    def is_stored(self) -> bool:
        """Whether the ledger must know the order."""
        return not self.expected.happened.endswith("nothing stored")


def delivered(value: str, tax: str, shipping: str, currency: str, clicks: Mapping[str, str], buyer: str) -> Expected:
    """Expect exactly one purchase; `buyer` are the names of the other identifiers, separated by blanks."""
    return Expected(
        happened="delivered",
        value=value,
        tax=tax,
        shipping=shipping,
        currency=currency,
        clicks=clicks,
        buyer=frozenset(buyer.split()),
        purchases=1,
    )
