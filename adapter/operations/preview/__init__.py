"""`adapter preview`: what one order becomes, and why, without sending anything. Needs no secret and no database."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from adapter.errors import MappingFailed, OrderUnreadable
from adapter.operations.captured import NoOrderInFile, body_in
from adapter.operations.preview import document, remarks, screen
from adapter.platforms.document import parse_document
from adapter.platforms.registry import PLATFORMS
from adapter.platforms.webhook import Ignored, Unreadable
from adapter.purchase.decision import Decision, decide, lines_of, scope_of
from adapter.purchase.event import PurchaseEvent, make_event
from adapter.purchase.explanation import Explained, Explainer
from adapter.purchase.identity import ClickIdentifiers
from adapter.purchase.mapping import PurchaseMapping
from adapter.purchase.names import names_for
from adapter.purchase.order import Order
from adapter.purchase.verdicts import Judge, Verdict
from adapter.purchase.violations import violations
from adapter.shops.shop import Shop


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a file becomes for one shop. `order` is None when the file holds none that can be read.

    `event` is what the order becomes when nothing skips it, None when it can't become one; it is sent when there is
    neither a skip nor a problem. `warnings` stop nothing. Values stand here in clear: for the operator's own screen.
    """

    shop: Shop
    order: Order | None = None
    decision: Decision | None = None
    skipped: str | None = None
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    event: PurchaseEvent | None = None
    explanation: tuple[Explained, ...] = ()
    verdicts: tuple[Verdict, ...] = ()

    @property
    def to_send(self) -> PurchaseEvent | None:
        """The event, when nothing speaks against sending it."""
        return None if self.skipped or self.problems else self.event

    def to_json(self) -> Mapping[str, Any]:
        """Return the preview for programs."""
        return document.of(self)

    def lines(self) -> Iterator[str]:
        """Yield the preview for people, in at most 80 columns."""
        return screen.lines(self)


@dataclass(frozen=True, slots=True)
class Remembered:
    """What the adapter knows of an order beside its body: the clicks posted for it, and its age at intake."""

    clicks: Mapping[str, str]
    age: timedelta | None


def _nothing(_order: Order) -> Remembered:
    return Remembered({}, None)


def preview(
    file: bytes, shop: Shop, now: datetime | None = None, remembered: Callable[[Order], Remembered] = _nothing
) -> Preview:
    """Read one order out of a file and decide on it.

    Unless `remembered` tells of it, what the adapter has stored isn't looked at, and whether the order came in too
    late isn't judged: `now` only says how old it is.
    """
    platform = PLATFORMS[shop.platform]
    try:
        body = body_in(file, platform)
        match platform.glance(body):
            case Ignored(reason):
                return Preview(shop=shop, skipped=f"ignored: {reason}")
            case Unreadable(reason):
                return Preview(shop=shop, problems=(f"unreadable: {reason}",))
            case notice:
                if notice.test_notification:
                    reason = "test notification: the platform's sample order is recorded and never sent"
                    return Preview(shop=shop, skipped=reason)
        order = platform.read_order(parse_document(body), shop.rules.policy.side)
    except (NoOrderInFile, OrderUnreadable) as error:
        return Preview(shop=shop, problems=(f"unreadable: {error}",))
    return _decided(order, shop, now, remembered(order))


def _decided(order: Order, shop: Shop, now: datetime | None, remembered: Remembered) -> Preview:
    rules, platform = shop.rules, PLATFORMS[shop.platform]
    names = names_for(order, rules.site_url, rules.mapping.categories)
    scope, clicks = scope_of(order, names, remembered.clicks, rules)
    lines = lines_of(order, names)
    decision = decide(order, remembered.clicks, rules, remembered.age)
    event, troubles = (decision.event, ()) if decision.event else _as_if_sent(shop, scope, lines)
    explainer = Explainer(scope, lines, platform.places, dict(_search(clicks, rules.mapping)))
    fields = event.fields if event else None
    judge = Judge(order=order, rules=rules, scope=scope, event=fields, places=platform.places)
    return Preview(
        shop=shop,
        order=order,
        decision=decision,
        skipped=str(decision.skip) if decision.skip else None,
        problems=decision.problems,
        warnings=(*_warnings(decision, event, troubles), *remarks.on(order, event, scope, platform.places)),
        event=event,
        explanation=tuple(explainer.explain(rules.mapping)),
        verdicts=judge.verdicts(decision.skip, now),
    )


def _search(clicks: ClickIdentifiers, mapping: PurchaseMapping) -> Iterator[tuple[str, str]]:
    """Say what found each click identifier, or was tried in vain."""
    for name, chain in mapping.clicks.items():
        tried = ", ".join(expression.text for expression in chain)
        yield name, f"found by {clicks.sources[name]}" if name in clicks.sources else f"tried {tried}"


def _as_if_sent(
    shop: Shop, scope: Mapping[str, Any], lines: list[dict[str, Any]]
) -> tuple[PurchaseEvent | None, tuple[str, ...]]:
    """Return the event of an order that is skipped, and what would keep it from being sent besides."""
    try:
        event = make_event(shop.rules.mapping, scope, lines)
    except MappingFailed as failed:
        return None, (str(failed),)
    return event, tuple(map(str, violations(event.fields)))


def _warnings(decision: Decision, event: PurchaseEvent | None, troubles: tuple[str, ...]) -> tuple[str, ...]:
    if decision.skip is None:
        return decision.warnings
    left_out = event.warnings if event and not decision.event else ()
    return (*decision.warnings, *left_out, *(f"were it not skipped: {trouble}" for trouble in troubles))
