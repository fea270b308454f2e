"""The expressions of a mapping file, compiled and checked against the contract, every problem at once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from adapter.errors import Place, Problem, place_of
from adapter.jsonvalues import is_list, is_object
from adapter.purchase import names
from adapter.purchase.contract import SECTIONS, Field, suggestion
from adapter.purchase.expressions import Expression, ExpressionInvalid, Names, compile_expression
from adapter.purchase.identity import CLICK_FIELDS

STORED = (*CLICK_FIELDS, "consent", "page_url", "ip", "user_agent")
"""What `stored` may offer: the last click that `POST /clicks` remembered for the order."""

SHOP = ("name", "platform", "site_url")
"""What `shop` offers of the file's own settings."""

NAMES_BEFORE_CLICKS: Names = {"order": None, "purchase": tuple(names.PURCHASE), "stored": STORED, "shop": SHOP}
NAMES_OF_ORDER: Names = {**NAMES_BEFORE_CLICKS, "clicks": CLICK_FIELDS}
NAMES_OF_LINE: Names = {**NAMES_OF_ORDER, "line": None, "item": tuple(names.ITEM)}
"""What expressions may start from: those that look for clicks, those of the order, those of its lines."""

ITEMS_SECTION = "event.data.items"
"""The table that describes every line of the order."""

OPTIONAL_SECTION = "event.measurement_partner_data"
"""The one object of an event that is sent as a whole or not at all."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One field of the event and the expression that fills it."""

    target: str
    name: str
    field: Field
    expression: Expression


@dataclass(frozen=True, slots=True)
class PurchaseMapping:
    """Everything of a mapping file that is evaluated per order."""

    leaves: Mapping[str, tuple[Leaf, ...]]
    clicks: Mapping[str, tuple[Expression, ...]]
    skip_if: Expression | None = None
    granted_if: Expression | None = None
    categories: Mapping[str, Any] = field(default_factory=dict[str, Any])
    prices: tuple[str, ...] = names.PRICES
    """Which of an item's further prices its expressions read."""

    def leaf_at(self, path: str) -> Leaf | None:
        """Return the leaf that fills this field of an event (`event.data.items[0].price`), None when none does."""
        section, _, name = re.sub(r"\[[0-9]+\]", "", path).rpartition(".")
        return next((leaf for leaf in self.leaves.get(section, ()) if leaf.name == name), None)


Known = dict[tuple[str, int, str], Expression]
"""Every expression that was compiled already, by its text, what it may read and its origin: 500 shops may share it."""


class MappingCompiler:
    """Compiles the tables of one mapping file; collects problems instead of stopping at the first.

    `origins` tells for a dotted path which line says so (a leaf may come from the base of `extends`), for "" the
    file as a whole. `known` is taken from and added to.
    """

    def __init__(
        self, origins: Mapping[str, Place], tables: Mapping[str, Mapping[str, Any]], known: Known | None = None
    ) -> None:
        self.problems: list[Problem] = []
        self._origins = origins
        self._tables = tables
        self._known: Known = {} if known is None or tables else known  # An expression may look into its file's tables.

    def compile(self, document: Mapping[str, Any]) -> PurchaseMapping:
        """Return the mapping of a merged document; look at `problems` before using it."""
        leaves = {section: tuple(self._section(document, section)) for section in SECTIONS}
        self._miss_required(leaves)
        return PurchaseMapping(
            leaves=leaves,
            clicks=self._clicks(_table_at(document, "clicks")),
            skip_if=self._condition(document, "orders", "skip_if"),
            granted_if=self._condition(document, "consent", "granted_if"),
            categories=self._tables.get("categories", {}),
            prices=tuple(_prices_read([leaf.expression for leaf in leaves[ITEMS_SECTION]])),
        )

    def _section(self, document: Mapping[str, Any], section: str) -> Iterator[Leaf]:
        table = _table_at(document, section)
        known = SECTIONS[section]
        scope = NAMES_OF_LINE if section == ITEMS_SECTION else NAMES_OF_ORDER
        for name, text in table.items():
            target = f"{section}.{name}"
            if target in SECTIONS:
                continue
            if name not in known:
                self._problem(target, "unknown field", suggestion(name, tuple(known)))
                continue
            if (expression := self._expression(target, text, scope)) is not None:
                yield Leaf(target, name, known[name], expression)

    def _miss_required(self, leaves: Mapping[str, tuple[Leaf, ...]]) -> None:
        for section, fields in SECTIONS.items():
            mapped = {leaf.name for leaf in leaves[section]}
            if section == OPTIONAL_SECTION and not mapped:
                continue
            broken = {problem.path for problem in self.problems}
            for name, known in fields.items():
                target = f"{section}.{name}"
                if known.required and name not in mapped and target not in broken:
                    self._problem(target, "is required by Axon and not mapped", f'write {name} = "…" in [{section}]')

    def _clicks(self, table: Mapping[str, Any]) -> dict[str, tuple[Expression, ...]]:
        chains: dict[str, tuple[Expression, ...]] = {}
        for name, texts in table.items():
            target = f"clicks.{name}"
            if name not in CLICK_FIELDS:
                self._problem(target, "unknown identifier", suggestion(name, CLICK_FIELDS))
                continue
            chain = texts if is_list(texts) else [texts]
            found = (self._expression(target, text, NAMES_BEFORE_CLICKS) for text in chain)
            chains[name] = tuple(expression for expression in found if expression is not None)
        return {name: chains[name] for name in CLICK_FIELDS if name in chains}

    def _condition(self, document: Mapping[str, Any], section: str, name: str) -> Expression | None:
        text = _table_at(document, section).get(name)
        return None if text is None else self._expression(f"{section}.{name}", text, NAMES_OF_ORDER)

    def _expression(self, target: str, text: object, scope: Names) -> Expression | None:
        if not isinstance(text, str):
            hint = "write it as text; a constant is a JMESPath literal: 'text', `604`"
            self._problem(target, "an expression is wanted", hint)
            return None
        origin = str(place_of(target, self._origins))
        key = text, id(scope), origin  # The scopes are constants.
        try:
            if key not in self._known:
                self._known[key] = compile_expression(text, scope, self._tables, origin)
            return self._known[key]
        except ExpressionInvalid as invalid:
            column = f" at column {invalid.column}" if invalid.column else ""
            excerpt = _caret(text, invalid.column) if invalid.column else ""
            self._problem(target, f"{invalid}{column} in {text!r}", invalid.hint, excerpt)
            return None

    def _problem(self, path: str, message: str, hint: str, excerpt: str = "") -> None:
        self.problems.append(place_of(path, self._origins).problem(path, message, hint, excerpt))


def _prices_read(expressions: Sequence[Expression]) -> Iterator[str]:
    for name in names.PRICES:
        if any(expression.may_read("item", name) for expression in expressions):
            yield name


_BEFORE, _WINDOW = 50, 72
"""A long expression is shown from 50 characters before the column, and at most 72 of it: with dots it fits 80."""


def _caret(text: str, column: int) -> str:
    """Show the expression's line with a ^ below the column, which counts from 1 and may be one past the end."""
    start = text.rfind("\n", 0, column - 1) + 1
    line, place = text[start:].partition("\n")[0], column - 1 - start
    first = max(0, place - _BEFORE) if len(line) > _WINDOW else 0
    shown = f"{'…' if first else ''}{line[first : first + _WINDOW]}{'…' if first + _WINDOW < len(line) else ''}"
    plain = "".join(character if character.isprintable() else " " for character in shown)
    return f"    {plain}\n    {' ' * (place - first + bool(first))}^"


def _table_at(document: Mapping[str, Any], section: str) -> dict[str, Any]:
    found: object = document
    for part in section.split("."):
        found = found.get(part) if is_object(found) else None
    return found if is_object(found) else {}
