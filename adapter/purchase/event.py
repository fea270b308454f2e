"""Order + click identifiers + mapping → the purchase event, and the explanation of each of its fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from adapter.errors import MappingFailed
from adapter.purchase.contract import to_wire
from adapter.purchase.expressions import Expression, ExpressionFailed
from adapter.purchase.identity import ClickIdentifiers, clean_identifier
from adapter.purchase.mapping import OPTIONAL_SECTION, Leaf, PurchaseMapping

_ENCODER = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, slots=True)
class Explained:
    """Where one field of the event came from: the expression, the file that says so and what came out."""

    target: str
    expression: str
    origin: str
    value: Any


@dataclass(frozen=True, slots=True)
class PurchaseEvent:
    """The event as Axon receives it (plain JSON values, amounts as `Decimal`), and how it came to be."""

    fields: Mapping[str, Any]
    explanation: tuple[Explained, ...]
    warnings: tuple[str, ...]

    def encode(self) -> bytes:
        """Return the event as JSON bytes; amounts are JSON numbers with exactly their digits."""
        return encode(self.fields)


def encode(value: object) -> bytes:
    """Return JSON bytes with every `Decimal` as a number."""
    return _ENCODER.encode(value)


def find_clicks(mapping: PurchaseMapping, scope: Mapping[str, Any]) -> ClickIdentifiers:
    """Return for each identifier the first well-formed value of its chain, with the expression that found it.

    An expression that fails is passed over with a warning: no purchase is lost for a click.
    """
    values: dict[str, str] = {}
    sources: dict[str, str] = {}
    warnings: list[str] = []
    for name, chain in mapping.clicks.items():
        for expression in chain:
            try:
                found = clean_identifier(expression.evaluate(scope))
            except ExpressionFailed as error:
                warnings.append(f"clicks.{name} passed over {expression.text}: {error}")
                continue
            if found is not None:
                values[name], sources[name] = found, expression.text
                break
    return ClickIdentifiers(values, sources, tuple(warnings))


def is_true(target: str, expression: Expression, scope: Mapping[str, Any]) -> bool:
    """Whether a condition holds, by JMESPath's idea of truth (0 is true); raise `MappingFailed`."""
    try:
        value = expression.evaluate(scope)
    except ExpressionFailed as error:
        raise MappingFailed(target, expression.text, str(error)) from None
    return value is not None and value is not False and value not in ("", [], {})


def make_event(mapping: PurchaseMapping, scope: Mapping[str, Any], lines: list[dict[str, Any]]) -> PurchaseEvent:
    """Evaluate the mapping: `scope` for the whole order, and for each line the names `line` and `item` on top.

    A required field whose expression fails raises `MappingFailed`; an optional one is left out with a warning, and
    so is the measurement partner's object when one of its required fields has no value.
    """
    maker = _EventMaker()
    event = {"name": "purchase", **maker.fill(mapping.leaves["event"], scope)}
    event["user_data"] = maker.fill(mapping.leaves["event.user_data"], scope)
    event["data"] = maker.fill(mapping.leaves["event.data"], scope)
    event["data"]["items"] = [
        maker.fill(mapping.leaves["event.data.items"], {**scope, **line}, f"[{index}]")
        for index, line in enumerate(lines)
    ]
    if partner := maker.fill_optional(mapping.leaves[OPTIONAL_SECTION], scope):
        event["measurement_partner_data"] = partner
    return PurchaseEvent(event, tuple(maker.explanation), tuple(maker.warnings))


class _EventMaker:
    """Fills objects of the event and writes down how."""

    def __init__(self) -> None:
        self.explanation: list[Explained] = []
        self.warnings: list[str] = []

    def fill(self, leaves: tuple[Leaf, ...], scope: Mapping[str, Any], index: str = "") -> dict[str, Any]:
        return {name: value for name, value in self._values(leaves, scope, index) if value is not None}

    def fill_optional(self, leaves: tuple[Leaf, ...], scope: Mapping[str, Any]) -> dict[str, Any] | None:
        """Fill the object that is sent as a whole or not at all; None when a required field of it has no value."""
        filled = self.fill(leaves, scope)
        missing = [leaf.name for leaf in leaves if leaf.field.required and leaf.name not in filled]
        if filled and missing:
            self.warnings.append(f"{OPTIONAL_SECTION} was left out: no value for {', '.join(missing)}")
        return None if missing else filled

    def _values(self, leaves: tuple[Leaf, ...], scope: Mapping[str, Any], index: str) -> Iterator[tuple[str, Any]]:
        for leaf in leaves:
            target = leaf.target if not index else f"event.data.items{index}.{leaf.name}"
            value = self._value(leaf, target, scope)
            self.explanation.append(Explained(target, leaf.expression.text, leaf.expression.origin, value))
            yield leaf.name, value

    def _value(self, leaf: Leaf, target: str, scope: Mapping[str, Any]) -> Any:  # noqa: ANN401  # JSON.
        try:
            return to_wire(leaf.field, leaf.expression.evaluate(scope))
        except (ExpressionFailed, ValueError) as error:
            if leaf.field.required and not target.startswith(OPTIONAL_SECTION):
                raise MappingFailed(target, leaf.expression.text, str(error)) from None
            self.warnings.append(f"{target} was left out: {leaf.expression.text}: {error}")
            return None
