"""Trying mapping files on the sample orders: which of their lines never find anything there.

A path of the platform's own JSON can be anything, so `order.billing.zipcode` compiles as well as `postcode` does: only
orders tell them apart. What a shop alone may have (attributes, tables, the identifiers of clicks) is not judged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from adapter.errors import Place, Problem
from adapter.jsonvalues import is_object
from adapter.operations.samples import sample_orders
from adapter.platforms.registry import PLATFORMS
from adapter.platforms.webhook import Side
from adapter.purchase.contract import suggestion, to_wire
from adapter.purchase.expressions import Expression
from adapter.purchase.identity import clean_identifier
from adapter.purchase.mapping import ITEMS_SECTION, PurchaseMapping
from adapter.purchase.names import names_for
from adapter.purchase.reads import paths_in, reads_of
from adapter.shops.shop import Shop

_SITE = "https://shop.example"


@dataclass(frozen=True, slots=True)
class _Line:
    """One expression of a mapping file; `fit` returns what Axon would get, None for nothing, or raises ValueError."""

    target: str
    expression: Expression
    fit: Callable[[object], Any]


def fruitless_lines(shops: Iterable[Shop]) -> list[Problem]:
    """Return every line of the mapping files that gives nothing in any sample order; an inherited one once."""
    return list(dict.fromkeys(problem for shop in shops for problem in _fruitless(shop)))


def _fruitless(shop: Shop) -> Iterator[Problem]:
    order_scopes, line_scopes = _scopes(shop.platform, shop.rules.policy.side)
    for line in _lines(shop.rules.mapping):
        scopes = line_scopes if line.target.startswith(ITEMS_SECTION) else order_scopes
        complaint = _complaint(line, scopes, len(order_scopes))
        if complaint is not None:
            yield Place.parse(line.expression.origin).problem(line.target, *complaint)


def _lines(mapping: PurchaseMapping) -> Iterator[_Line]:
    for name, chain in mapping.clicks.items():
        yield from (_Line(f"clicks.{name}", expression, clean_identifier) for expression in chain)
    for leaves in mapping.leaves.values():
        yield from (_Line(leaf.target, leaf.expression, partial(to_wire, leaf.field)) for leaf in leaves)


def _complaint(line: _Line, scopes: tuple[Mapping[str, Any], ...], orders: int) -> tuple[str, str] | None:
    """Return what to say about a line and a hint; None when it gives something, or can't be judged."""
    refusals: list[str] = []
    for scope in scopes:
        try:
            if line.fit(line.expression.evaluate(scope)) is not None:
                return None
        except ValueError as error:  # `ExpressionFailed` is one, too.
            refusals.append(str(error))
    if refusals:
        return f"gives nothing for Axon in any of the {orders} sample orders: {refusals[0]}", ""
    lost = next((path for path in paths_in(line.expression.text) if _is_lost(path, scopes)), None)
    if lost is None:
        return None
    return f"finds nothing in any of the {orders} sample orders", _hint(lost, line.expression.text, scopes)


def _is_lost(path: str, scopes: tuple[Mapping[str, Any], ...]) -> bool:
    if not path.startswith(("order.", "line.")):
        return False
    return all(_at(path, scope) in (None, "", [], {}) for scope in scopes)


def _at(path: str, scope: Mapping[str, Any]) -> Any:  # noqa: ANN401  # JSON can be anything.
    return reads_of(path, scope)[0].value


def _hint(path: str, text: str, scopes: tuple[Mapping[str, Any], ...]) -> str:
    """Name the path when it is only a part of the expression, and the neighbour that may be meant."""
    owner, _, name = path.rpartition(".")
    neighbours = [key for scope in scopes if is_object(found := _at(owner, scope)) for key in found]
    words = ("" if path == text.strip() else f"nothing stands at {path}", suggestion(name, neighbours))
    return "; ".join(filter(None, words))


@cache
def _scopes(platform: str, side: Side) -> tuple[tuple[Mapping[str, Any], ...], tuple[Mapping[str, Any], ...]]:
    """Return what expressions see: one scope for each sample order, and one for each line of these."""
    orders: list[Mapping[str, Any]] = []
    lines: list[Mapping[str, Any]] = []
    for document in sample_orders(platform):
        order = PLATFORMS[platform].read_order(document, side)
        names = names_for(order, _SITE, {})
        shop = {"name": "sample", "platform": platform, "site_url": _SITE}
        scope = {"order": order.source, "purchase": names.purchase, "shop": shop, "stored": {}, "clicks": {}}
        orders.append(scope)
        lines += [
            {**scope, "line": line.source, "item": item} for line, item in zip(order.lines, names.items, strict=True)
        ]
    return tuple(orders), tuple(lines)
