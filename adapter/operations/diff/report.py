"""A comparison for people, in 80 columns, and for programs."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import islice
from typing import Any

from adapter.operations.diff import Change, Comparison, Example, Outcome, Value
from adapter.operations.showing import WIDTH, shown, wrapped
from adapter.shops.load import UNSET_SITE
from adapter.shops.shop import Shop

_MOST_FIELDS = 20
_NOTHING = Value()


def lines(old: Shop, new: Shop, found: Comparison, source: str) -> Iterator[str]:
    """Yield the report; `source` says where the orders came from."""
    yield from wrapped(f"old    {old.label}", "", "       ")
    yield from wrapped(f"new    {new.label}", "", "       ")
    yield from wrapped(f"orders {found.orders} {source}", "", "       ")
    yield from _site_notes(old, new)
    yield ""
    yield from (f"  {change.value:<50}{found.counts[change]:>10}" for change in Change)
    if found.others:
        yield f"  {'(not looked at: no orders)':<50}{found.others:>10}"
    yield from _values(found)
    yield from _examples(found)
    for name, why in found.no_orders:
        yield from ("", *wrapped(f"{name}: no order: {why}", "", "  "))
    yield from ("", "Nothing was sent, and nothing was stored.")


def _site_notes(old: Shop, new: Shop) -> Iterator[str]:
    for shop in (old, new):
        if shop.rules.site_url == UNSET_SITE:
            yield from wrapped(
                f"site_url of {shop.label} isn't set here: {UNSET_SITE} stands for it", "note   ", "       "
            )


def _values(found: Comparison) -> Iterator[str]:
    yield from ("", f"  {'total value sent':<20}{'before':>19}{'after':>19}{'difference':>19}")
    currencies = sorted({*found.before, *found.after})
    for currency in currencies:
        before, after = found.before.get(currency, _NOTHING), found.after.get(currency, _NOTHING)
        amounts = (before.value, after.value, after.value - before.value)
        yield f"  {currency:<20}" + "".join(f"{amount:>19f}" for amount in amounts)
        yield f"  {'  orders':<20}{before.orders:>19}{after.orders:>19}{after.orders - before.orders:>19}"
    if not currencies:
        yield "  none: neither file sends any of these orders"


def _examples(found: Comparison) -> Iterator[str]:
    if found.different:
        yield ""
        yield f"the first {len(found.examples)} of {found.different} orders that differ (old → new)"
    for example in found.examples:
        yield from ("", *_example(example))


def _example(example: Example) -> Iterator[str]:
    yield from wrapped(f"{example.order}: {example.change}", "", "  ")
    if example.change is not Change.CHANGED:
        yield from wrapped(f"{_words(example.before)} → {_words(example.after)}", "  ", "    ")
    fields = list(example.fields())
    for path, before, after in islice(fields, _MOST_FIELDS):
        yield from _field(path.removeprefix("event."), before, after)
    if len(fields) > _MOST_FIELDS:
        yield f"  … and {len(fields) - _MOST_FIELDS} more fields"


def _words(outcome: Outcome) -> str:
    if outcome.event is None:
        return f"skipped ({outcome.skipped})" if outcome.skipped else f"fails ({outcome.wrong})"
    purchase = outcome.event["data"]
    return f"sent with {purchase['value']:f} {purchase['currency']}"


def _field(path: str, before: Any, after: Any) -> Iterator[str]:  # noqa: ANN401  # JSON can be anything.
    change = f"{shown(before)} → {shown(after)}"
    line = f"  {path:<30} {change}"
    if len(line) <= WIDTH:
        yield line
    else:
        yield from (f"  {path}", *wrapped(change, " " * 6, " " * 8))


def document(old: Shop, new: Shop, found: Comparison) -> dict[str, Any]:
    """Return the comparison for programs."""
    return {
        "old": old.label,
        "new": new.label,
        "orders": found.orders,
        "different": found.different,
        "counts": {change.name.lower(): found.counts[change] for change in Change},
        "no_orders": found.others,
        "value": {currency: _sums(found, currency) for currency in sorted({*found.before, *found.after})},
        "examples": [_example_for_programs(example) for example in found.examples],
    }


def _sums(found: Comparison, currency: str) -> dict[str, dict[str, int | Decimal]]:
    sides = (("before", found.before), ("after", found.after))
    return {
        name: {"orders": sums.get(currency, _NOTHING).orders, "value": sums.get(currency, _NOTHING).value}
        for name, sums in sides
    }


def _example_for_programs(example: Example) -> dict[str, Any]:
    return {
        "order": example.order,
        "change": example.change.name.lower(),
        "before": _outcome(example.before),
        "after": _outcome(example.after),
        "fields": [{"path": path, "before": old, "after": new} for path, old, new in example.fields()],
    }


def _outcome(outcome: Outcome) -> dict[str, Any]:
    return {"event": outcome.event, "skipped": outcome.skipped, "wrong": outcome.wrong}
