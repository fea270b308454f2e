"""Order + click identifiers + mapping → the purchase event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from adapter.errors import MappingFailed
from adapter.purchase.contract import Kind, to_wire
from adapter.purchase.expressions import Expression, ExpressionFailed
from adapter.purchase.identity import ClickIdentifiers, clean_identifier
from adapter.purchase.landing import has_gaps
from adapter.purchase.mapping import OPTIONAL_SECTION, Leaf, PurchaseMapping
from adapter.purchase.page_address import CLICK_PARAMETERS, values_of, without_keys, without_parameter
from adapter.purchase.reads import kinds_read
from adapter.purchase.shortcuts import is_false

_ENCODER = msgspec.json.Encoder(decimal_format="number")


class PurchaseEvent(msgspec.Struct, frozen=True):
    """The event as Axon receives it: plain JSON values, amounts as `Decimal`; and what was left out, in sentences."""

    fields: Mapping[str, Any]
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
        raise MappingFailed(target, expression.text, _with_kinds(str(error), expression, scope)) from None
    return not is_false(value)


def make_event(mapping: PurchaseMapping, scope: Mapping[str, Any], lines: list[dict[str, Any]]) -> PurchaseEvent:
    """Evaluate the mapping: `scope` for the whole order, and for each line the names `line` and `item` on top.

    A required field whose expression fails raises `MappingFailed`; an optional one is left out with a warning, and
    so is the measurement partner's object when one of its required fields has no value.
    """
    warnings: list[str] = []
    event = {"name": "purchase", **_filled(mapping.leaves["event"], scope, warnings)}
    event["user_data"] = _filled(mapping.leaves["event.user_data"], scope, warnings)
    event["data"] = _filled(mapping.leaves["event.data"], scope, warnings)
    event["data"]["items"] = [
        _filled(mapping.leaves[ITEMS], {**scope, **line}, warnings, f"{ITEMS}[{index}]")
        for index, line in enumerate(lines)
    ]
    if partner := _filled_whole(mapping.leaves[OPTIONAL_SECTION], scope, warnings):
        event["measurement_partner_data"] = partner
    _agree_on_clicks(event, warnings)
    return PurchaseEvent(event, tuple(warnings))


ITEMS = "event.data.items"
"""The table that describes every line of the order."""


_PAGE = Kind.PAGE


def _filled(leaves: tuple[Leaf, ...], scope: Mapping[str, Any], warnings: list[str], item: str = "") -> dict[str, Any]:
    """Return what these leaves find; `item` is the path of the item that they describe."""
    filled: dict[str, Any] = {}
    for leaf in leaves:
        try:
            found = leaf.expression.evaluate(scope)
            value = None if found is None else to_wire(leaf.field, found)
        except (ExpressionFailed, ValueError) as error:
            why = _with_kinds(str(error), leaf.expression, scope)
            warnings.append(_left_out(leaf, f"{item}.{leaf.name}" if item else leaf.target, why))
            continue
        if value is not None:
            filled[leaf.name] = value
            if leaf.field.kind is _PAGE and (taken_out := without_keys(str(found)).taken_out):
                warnings.append(f"{leaf.target} is sent without {', '.join(taken_out)}: an address may carry keys")
    return filled


def _left_out(leaf: Leaf, target: str, error: str) -> str:
    """Return the warning about an optional field; raise `MappingFailed` for one that Axon requires."""
    if leaf.field.required and not target.startswith(OPTIONAL_SECTION):
        raise MappingFailed(target, leaf.expression.text, error)
    return f"{target} was left out: {leaf.expression.text}: {error}"


def _with_kinds(error: str, expression: Expression, scope: Mapping[str, Any]) -> str:
    """Add what kind of value the expression found where; the values themselves may be personal."""
    kinds = kinds_read(expression.text, scope)
    return f"{error}; {kinds}" if kinds else error


def _agree_on_clicks(event: dict[str, Any], warnings: list[str]) -> None:
    """Let the page's address name the click that the event names: of an `aleid` there Axon requires it in the event.

    What nothing in [clicks] found is taken from the address, unless it looks damaged; another click's, or a damaged
    one, leaves the address.
    """
    user = event["user_data"]
    for name in CLICK_PARAMETERS:
        found = values_of(event.get("event_source_url", ""), name)
        if found and name not in user and not has_gaps(found[0]):
            user[name] = found[0]
            warnings.append(f"event.user_data.{name} was taken from event_source_url: nothing in [clicks] found it")
        if {*found} - {user.get(name)}:
            event["event_source_url"] = without_parameter(event["event_source_url"], name)
            warnings.append(
                f"event.event_source_url is sent without {name}: it isn't the one that [clicks] found whole"
            )


def _filled_whole(leaves: tuple[Leaf, ...], scope: Mapping[str, Any], warnings: list[str]) -> dict[str, Any] | None:
    """Fill the object that is sent as a whole or not at all; None when a required field of it has no value."""
    filled = _filled(leaves, scope, warnings)
    missing = [leaf.name for leaf in leaves if leaf.field.required and leaf.name not in filled]
    if filled and missing:
        warnings.append(f"{OPTIONAL_SECTION} was left out: no value for {', '.join(missing)}")
    return None if missing else filled
