"""The form of a mapping file, apart from its expressions: which tables and keys there are and what they may hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from adapter.errors import Problem
from adapter.purchase.contract import suggestion
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

    origins: Annotated[list[str], Field(description="The shop's origins, like https://shop.example.")] = []
    cookie_domain: Annotated[
        str | None, Field(description="Set it when the adapter runs under this domain: it then sets cookies.")
    ] = None


class MappingForm(_Table):
    """A mapping file. The leaves of `event` and `clicks` are JMESPath expressions."""

    platform: Annotated[str, Field(description="shopify or woocommerce")]
    webhook_secret: Annotated[
        str | list[str], Field(description="The signing secret, usually as $NAME; a list during a rotation.")
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


_WORDS = {
    "missing": "is required and missing",
    "string_type": "text is wanted",
    "list_type": "a list is wanted",
    "bool_type": "true or false is wanted",
    "int_type": "a whole number is wanted",
    "dict_type": "a table is wanted",
    "model_type": "a table is wanted",
}


def check_form(document: Mapping[str, Any], origins: Mapping[str, str]) -> tuple[MappingForm | None, list[Problem]]:
    """Return the file in its form, or None with every problem that keeps it from having one."""
    try:
        form = MappingForm.model_validate(document)
    except ValidationError as error:
        found = {problem.path: problem for problem in map(_Translator(origins), error.errors())}
        return None, list(found.values())
    return form, list(_unknown_rules(form, origins))


def _unknown_rules(form: MappingForm, origins: Mapping[str, str]) -> Iterator[Problem]:
    for rule in form.orders.skip:
        if rule not in SKIP_RULES:
            hint = suggestion(rule, SKIP_RULES) or f"known: {', '.join(SKIP_RULES)}"
            where = origins.get("orders.skip", origins[""])
            yield Problem(where, "orders.skip", f'unknown rule "{rule}"', hint)


class _Translator:
    """Puts pydantic's errors into the words of this house."""

    def __init__(self, origins: Mapping[str, str]) -> None:
        self._origins = origins

    def __call__(self, error: ErrorDetails) -> Problem:
        steps = [str(step) for step in error["loc"] if str(step) not in ("str", "list[str]")]
        path = ".".join(steps)
        where = self._origins.get(path, self._origins[""])
        if error["type"] == "extra_forbidden":
            return Problem(where, path, "unknown field", suggestion(steps[-1], _known_keys(steps[:-1])))
        if error["type"] == "literal_error":
            return Problem(where, path, f"must be {error.get('ctx', {})['expected'].replace(chr(39), chr(34))}")
        message = _WORDS.get(error["type"], error["msg"][:1].lower() + error["msg"][1:])
        return Problem(where, path, message)


def _known_keys(steps: list[str]) -> list[str]:
    form: type[BaseModel] = MappingForm
    for step in steps:
        inner = form.model_fields[step].annotation
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return []
        form = inner
    return list(form.model_fields)
