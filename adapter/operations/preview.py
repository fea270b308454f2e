"""`adapter preview`: what one order becomes, and why, without sending anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from adapter.errors import OrderUnreadable
from adapter.platforms.document import parse_document
from adapter.platforms.registry import PLATFORMS
from adapter.platforms.webhook import Ignored, Unreadable
from adapter.purchase.decision import Decision, decide
from adapter.purchase.order import Order
from adapter.shops.shop import Shop


@dataclass(frozen=True, slots=True)
class Preview:
    """What an order file becomes for one shop. `order` is None when the file holds none."""

    shop: Shop
    order: Order | None
    decision: Decision | None
    skipped: str | None
    problems: tuple[str, ...]

    def to_json(self) -> Mapping[str, Any]:
        """Return the preview for programs: event, skipped, problems, explanation, warnings, money."""
        decision = self.decision
        event = decision.to_send if decision else None
        explanation = decision.explanation if decision else ()
        return {
            "event": event.fields if event else None,
            "skipped": self.skipped,
            "problems": list(self.problems),
            "explanation": [
                {"target": line.target, "expression": line.expression, "file": _file(line.origin), "value": line.value}
                for line in explanation
            ],
            "clicks": dict(decision.clicks.sources) if decision else {},
            "warnings": list(decision.warnings) if decision else [],
            "money": _money(self.order) if self.order else None,
        }

    def lines(self) -> Iterator[str]:
        """Yield the preview for people, at most 80 columns where the values allow it."""
        yield f"shop {self.shop.name} ({self.shop.label})"
        if self.shop.off:
            yield f"NOTE     the shop is off: {self.shop.off}"
        if self.skipped:
            yield f"SKIPPED  {self.skipped}"
        yield from (f"PROBLEM  {problem}" for problem in self.problems)
        if self.order is not None:
            yield from _money_lines(self.order)
        if self.decision is not None:
            yield from _explanation_lines(self.decision)


def preview(body: bytes, shop: Shop) -> Preview:
    """Read one order as the platform sends it and decide on it. Whether it came too late isn't judged here."""
    platform = PLATFORMS[shop.platform]
    match platform.glance(body):
        case Ignored(reason):
            return Preview(shop, None, None, f"ignored: {reason}", ())
        case Unreadable(reason):
            return Preview(shop, None, None, None, (f"unreadable: {reason}",))
        case notice:
            if notice.test_notification:
                reason = "test notification: the platform's sample order is recorded and never sent"
                return Preview(shop, None, None, reason, ())
    try:
        order = platform.read_order(parse_document(body), shop.rules.policy.side)
    except OrderUnreadable as error:
        return Preview(shop, None, None, None, (f"unreadable: {error}",))
    decision = decide(order, {}, shop.rules, None)
    return Preview(shop, order, decision, str(decision.skip) if decision.skip else None, decision.problems)


def _money(order: Order) -> dict[str, Any]:
    return {
        "currency": order.currency,
        "items": order.items_value,
        "tax": order.tax,
        "shipping": order.shipping,
        "rest": {part.name: part.amount for part in order.rest},
        "total": order.total,
        "remainder": order.remainder,
    }


def _money_lines(order: Order) -> Iterator[str]:
    yield ""
    yield f"money ({order.currency})"
    for line in order.lines:
        yield _sum_line(f"  {line.quantity.normalize():f} × {line.title[:48]}", line.total)
    yield _sum_line("items", order.items_value)
    yield _sum_line("tax", order.tax)
    yield _sum_line("shipping", order.shipping)
    for part in order.rest:
        yield _sum_line(part.name[:60], part.amount)
    if order.remainder:
        yield _sum_line("remainder that can't be named", order.remainder)
    yield _sum_line("total", order.total)


def _sum_line(words: str, amount: Decimal) -> str:
    return f"  {words:<62}{amount:>14f}"


def _explanation_lines(decision: Decision) -> Iterator[str]:
    if decision.warnings:
        yield from ("", *(f"WARNING  {warning}" for warning in decision.warnings))
    origin = ""
    for line in decision.explanation:
        if _file(line.origin) != origin:
            origin = _file(line.origin)
            yield from ("", f"fields ({origin})")
        value = "–" if line.value is None else line.value
        yield f"  {line.target.removeprefix('event.'):<30} {value}"
        yield f"  {'':<30} = {line.expression}"
    for name, expression in decision.clicks.sources.items():
        yield f"  {'clicks.' + name:<30} found by {expression}"


def _file(origin: str) -> str:
    """Return the file of an origin like mappings/acme.toml:12."""
    return origin.rpartition(":")[0] or origin
