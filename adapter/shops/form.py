"""The form of a mapping file, apart from its expressions: which tables and keys there are and what they may hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from adapter.errors import Place, Problem, place_of
from adapter.jsonvalues import is_list, is_object
from adapter.purchase.contract import SECTIONS, suggestion
from adapter.purchase.identity import CLICK_FIELDS
from adapter.purchase.rules import SKIP_RULES

LONGEST_HOLD = 120
"""An order waits at most two minutes for its click, far inside Axon's five."""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class AxonTable(_Table):
    """`[axon]`: where the events go."""

    pixel_id: Annotated[str, Field(description="The Axon event key (pixel id).")] = ""
    api_key: Annotated[str, Field(description="The Conversion API key.")] = ""
    envelope: Annotated[
        Literal["events", "list"],
        Field(description='"events" sends {"events": […]}, as the page\'s table says; "list" sends a bare list.'),
    ] = "events"


class OrdersTable(_Table):
    """`[orders]`: which orders become a purchase."""

    count: Annotated[Literal["paid", "authorized", "placed"], Field(description="When an order counts.")] = "paid"
    currency: Annotated[
        Literal["presentment", "shop"],
        Field(description="Which side every amount is read from: what the buyer saw, or the shop's own currency."),
    ] = "presentment"
    skip: Annotated[list[str], Field(description=f"Rules that skip an order: {', '.join(SKIP_RULES)}.")] = []
    skip_if: Annotated[str | None, Field(description="An expression; orders for which it holds are skipped.")] = None
    max_age_days: Annotated[int, Field(ge=1, le=3650, description="Older orders are skipped (rule too_old).")] = 7
    hold_seconds: Annotated[
        int, Field(ge=0, le=LONGEST_HOLD, description="How long to wait for click identifiers.")
    ] = 20


class ConsentTable(_Table):
    """`[consent]`: whether a recorded yes is needed. A recorded no always wins."""

    required: Annotated[bool, Field(description="true: send only with consent; false: send unless refused.")] = False
    granted_if: Annotated[str | None, Field(description="An expression that holds when consent was given.")] = None


class StorefrontTable(_Table):
    """`[storefront]`: who may post clicks."""

    origins: Annotated[
        list[str] | None, Field(description="The shop's origins, like https://shop.example; without it site_url's.")
    ] = None
    cookie_domain: Annotated[
        str | None, Field(description="Set it when the adapter runs under this domain: it then sets cookies.")
    ] = None


def _listed(value: object) -> object:
    """Read one text as a list of one."""
    if isinstance(value, str):
        return [value]
    if not is_list(value):
        raise PydanticCustomError("text_or_list", "text or a list of texts is wanted")
    return value


class MappingForm(_Table):
    """A mapping file. The leaves of `event` and `clicks` are JMESPath expressions."""

    platform: Annotated[str, Field(description="shopify or woocommerce")]
    webhook_secret: Annotated[
        list[str],
        BeforeValidator(_listed),
        Field(description="The signing secret, usually as $NAME; a list during a rotation."),
    ]
    site_url: Annotated[str, Field(description="The shop's address: https://shop.example")]
    axon: AxonTable = AxonTable()
    orders: OrdersTable = OrdersTable()
    consent: ConsentTable = ConsentTable()
    storefront: StorefrontTable = StorefrontTable()
    clicks: Annotated[dict[str, Any], Field(description="For each identifier the expressions to try.")] = {}
    event: Annotated[dict[str, Any], Field(description="The event that Axon receives; every leaf an expression.")]
    tables: Annotated[
        dict[str, dict[str, Any]], Field(description="Tables for lookup('name', key); [tables.categories] is known.")
    ] = {}


_TABLES: Mapping[str, type[BaseModel]] = {
    "axon": AxonTable,
    "orders": OrdersTable,
    "consent": ConsentTable,
    "storefront": StorefrontTable,
}
_KEYS: Mapping[str, tuple[str, ...]] = {
    "": (*MappingForm.model_fields, "extends"),
    **{name: tuple(table.model_fields) for name, table in _TABLES.items()},
}
_PLACES: Mapping[str, tuple[str, ...]] = {
    **_KEYS,
    **{section: tuple(fields) for section, fields in SECTIONS.items()},
    "clicks": CLICK_FIELDS,
}
"""Every table and the keys that are at home there; "" is the top of the file."""

_WORDS: Mapping[str, tuple[str, str]] = {
    "missing": ("is required and missing", 'set it, or start from a shipped file: extends = "shopify"'),
    "string_type": ("text is wanted", "put it in quotes"),
    "text_or_list": ("text or a list of texts is wanted", 'like "$NAME" or ["$OLD", "$NEW"]'),
    "list_type": ("a list is wanted", "put it in square brackets"),
    "bool_type": ("true or false is wanted", "write it without quotes"),
    "int_type": ("a whole number is wanted", "write it without quotes and without a point"),
}


def without_removed(document: Mapping[str, Any], place: str = "") -> dict[str, Any]:
    """Return the file without known leaves that are still `""`: nothing was inherited, so nothing is to be removed.

    An unknown leaf stays and is reported: whoever mistypes what is to be removed must hear of it.
    """
    kept: dict[str, Any] = {}
    for key, value in document.items():
        if is_object(value):
            kept[key] = without_removed(value, f"{place}.{key}" if place else key)
        elif not (value == "" and place and key in _PLACES.get(place, ())):
            kept[key] = value
    return kept


def check_form(document: Mapping[str, Any], origins: Mapping[str, Place]) -> tuple[MappingForm, list[Problem]]:
    """Return the file in its form, and every problem with it.

    With problems the form is good for looking for more of them only: what is broken was left out.
    """
    problems: list[Problem] = []
    try:
        form = MappingForm.model_validate(document)
    except ValidationError as error:
        problems = [_translated(detail, origins) for detail in error.errors()]
        form = MappingForm.model_validate(_without([detail["loc"] for detail in error.errors()], document))
    return form, [*problems, *_misshapen_sections(form.event, origins), *_unknown_rules(form, origins)]


def _without(broken: list[tuple[int | str, ...]], document: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: dict(value) if is_object(value) else value for key, value in document.items()}
    for table, *keys in broken:
        inner = kept.get(str(table))
        if keys and is_object(inner):
            inner.pop(str(keys[0]), None)
        else:
            kept.pop(str(table), None)
    return {"platform": "", "webhook_secret": [], "site_url": "", "event": {}, **kept}


def _misshapen_sections(event: Mapping[str, Any], origins: Mapping[str, Place]) -> Iterator[Problem]:
    for section in SECTIONS:
        found: object = {"event": event}
        for step in section.split("."):
            found = found.get(step, {}) if is_object(found) else {}
        if not is_object(found):
            how = "once and in single brackets: it describes every line" if is_list(found) else "and its keys below"
            yield place_of(section, origins).problem(section, "a table is wanted", f"write [{section}], {how}")


def _unknown_rules(form: MappingForm, origins: Mapping[str, Place]) -> Iterator[Problem]:
    for rule in form.orders.skip:
        if rule not in SKIP_RULES:
            hint = suggestion(rule, SKIP_RULES) or f"known: {', '.join(SKIP_RULES)}"
            yield place_of("orders.skip", origins).problem("orders.skip", f'unknown rule "{rule}"', hint)


def _translated(error: ErrorDetails, origins: Mapping[str, Place]) -> Problem:
    """Put one of pydantic's errors into the words of this house."""
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error["loc"]).removeprefix(".")
    where = place_of(path.partition("[")[0], origins)
    match error["type"]:
        case "extra_forbidden":
            table, _, key = path.rpartition(".")
            return where.problem(path, "unknown field", _home(key) or suggestion(key, _KEYS[table]))
        case "literal_error":
            return where.problem(path, f"must be {_context(error, 'expected').replace(chr(39), chr(34))}")
        case "dict_type" | "model_type":
            return where.problem(path, "a table is wanted", f"write [{path}], and its keys below")
        case "greater_than_equal":
            return where.problem(path, f"must be at least {_context(error, 'ge')}")
        case "less_than_equal":
            return where.problem(path, f"must be at most {_context(error, 'le')}")
        case kind:
            return where.problem(path, *_WORDS[kind])


def _context(error: ErrorDetails, name: str) -> str:
    return str(error.get("ctx", {})[name])


def _home(key: str) -> str:
    """Say where a key or table belongs that stands in the wrong place; empty when it is at home nowhere."""
    for place, keys in _PLACES.items():
        if key in keys:
            return f"it belongs in [{place}]" if place else "it belongs at the top, before the first [table]"
    return next((f"write [{place}]" for place in _PLACES if place.endswith(f".{key}")), "")
