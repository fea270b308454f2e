"""The form of a mapping file, apart from its expressions."""

from __future__ import annotations

from typing import Any

import pytest

from adapter.errors import Place
from adapter.shops.form import check_form, without_removed

OWN, BASE = Place("own.toml"), Place("base.toml")
ORIGINS = {"": OWN, "orders": OWN, "orders.skip": BASE, "axon": BASE, "event": BASE}
RULES = "test, pos, draft, renewal, zero_value, imported, b2b, sub_order, cancelled, too_old, no_browser"
GOOD: dict[str, Any] = {"platform": "shopify", "webhook_secret": "$S", "site_url": "$U", "event": {}}


def problems(document: dict[str, Any]) -> list[str]:
    """Return what is wrong with the good file after these changes."""
    _, found = check_form({**GOOD, **document}, ORIGINS)
    return [str(problem) for problem in found]


def test_defaults() -> None:
    """A file that says only what it must counts paid orders, skips none by rule and needs no consent."""
    form, found = check_form(GOOD, ORIGINS)
    assert [] == found
    assert ("paid", "presentment", [], None, 7, 20) == (
        form.orders.count,
        form.orders.currency,
        form.orders.skip,
        form.orders.skip_if,
        form.orders.max_age_days,
        form.orders.hold_seconds,
    )
    assert (False, None, None, None) == (
        form.consent.required,
        form.consent.granted_if,
        form.storefront.origins,
        form.storefront.cookie_domain,
    )
    assert ("", "", "events") == (form.axon.pixel_id, form.axon.api_key, form.axon.envelope)
    assert (["$S"], {}, {}) == (form.webhook_secret, form.clicks, form.tables)


@pytest.mark.parametrize(("secret", "listed"), [("$A", ["$A"]), (["$A", "$B"], ["$A", "$B"]), ([], [])])
def test_one_secret_or_a_list(secret: object, listed: list[str]) -> None:
    """One secret is a list of one."""
    form, _ = check_form({**GOOD, "webhook_secret": secret}, ORIGINS)
    assert listed == form.webhook_secret


@pytest.mark.parametrize(
    ("orders", "message"),
    [
        ({"max_age_days": 0}, "own.toml: orders.max_age_days: must be at least 1"),
        ({"max_age_days": 3651}, "own.toml: orders.max_age_days: must be at most 3650"),
        ({"hold_seconds": -1}, "own.toml: orders.hold_seconds: must be at least 0"),
        ({"hold_seconds": 121}, "own.toml: orders.hold_seconds: must be at most 120"),
        ({"skip": ["test", 1]}, "base.toml: orders.skip[1]: text is wanted (put it in quotes)"),
        ({"skip": ["tests"]}, 'base.toml: orders.skip: unknown rule "tests" (did you mean "test"?)'),
        ({"skip": ["zzz"]}, f'base.toml: orders.skip: unknown rule "zzz" (known: {RULES})'),
        ({"skip_if": 5}, "own.toml: orders.skip_if: text is wanted (put it in quotes)"),
        ({"count": "Paid"}, 'own.toml: orders.count: must be "paid", "authorized" or "placed"'),
    ],
)
def test_the_file_that_says_so(orders: dict[str, Any], message: str) -> None:
    """A problem names the file of its own leaf, else that of the nearest table."""
    assert [message] == problems({"orders": orders})


@pytest.mark.parametrize(
    "orders", [{"max_age_days": 1, "hold_seconds": 0}, {"max_age_days": 3650, "hold_seconds": 120}]
)
def test_the_limits_themselves_are_allowed(orders: dict[str, Any]) -> None:
    """The smallest and the largest number are taken."""
    assert [] == problems({"orders": orders})


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"axon": {"skip": []}}, "base.toml: axon.skip: unknown field (it belongs in [orders])"),
        (
            {"axon": {"platform": "x"}},
            "base.toml: axon.platform: unknown field (it belongs at the top, before the first [table])",
        ),
        ({"value": "x"}, "own.toml: value: unknown field (it belongs in [event.data])"),
        ({"aleid": "x"}, "own.toml: aleid: unknown field (it belongs in [event.user_data])"),
        ({"items": {}}, "own.toml: items: unknown field (write [event.data.items])"),
        ({"axon": {"pixelid": "x"}}, 'base.toml: axon.pixelid: unknown field (did you mean "pixel_id"?)'),
        ({"zzz": 1}, "own.toml: zzz: unknown field"),
    ],
)
def test_where_a_stray_key_belongs(document: dict[str, Any], message: str) -> None:
    """A key in the wrong place is told its home, a mistyped one its neighbour."""
    assert [message] == problems(document)


@pytest.mark.parametrize(
    ("event", "path"),
    [
        ("x", "event"),
        ({"data": "x"}, "event.data"),
        ({"data": {"items": "x"}}, "event.data.items"),
        ({"user_data": 5}, "event.user_data"),
        ({"measurement_partner_data": "x"}, "event.measurement_partner_data"),
    ],
)
def test_sections_are_tables(event: object, path: str) -> None:
    """What must be a table and is none is said once, at its own path."""
    assert [f"base.toml: {path}: a table is wanted (write [{path}], and its keys below)"] == problems({"event": event})


def test_items_are_described_once() -> None:
    """The items are a list in the event and one table in the mapping."""
    expected = "a table is wanted (write [event.data.items], once and in single brackets: it describes every line)"
    assert [f"base.toml: event.data.items: {expected}"] == problems({"event": {"data": {"items": [{}, {}]}}})


def test_the_rest_is_checked_without_what_is_broken() -> None:
    """A broken leaf or table doesn't hide the mistakes beside it, and keeps the good values."""
    form, found = check_form(
        {"platform": 5, "orders": {"count": "x", "hold_seconds": 3, "skip": ["y"]}, "axon": 1, "tables": {"t": 1}},
        ORIGINS,
    )
    assert {
        "platform",
        "webhook_secret",
        "site_url",
        "event",
        "orders.count",
        "orders.skip",
        "axon",
        "tables.t",
    } == {problem.path for problem in found}
    assert ("paid", 3) == (form.orders.count, form.orders.hold_seconds)


@pytest.mark.parametrize(
    ("document", "kept"),
    [
        ({"orders": {"skip_if": "", "count": "paid"}}, {"orders": {"count": "paid"}}),
        ({"event": {"user_data": {"zip": "", "zap": ""}}}, {"event": {"user_data": {"zap": ""}}}),
        ({"clicks": {"aleid": "", "gclid": ""}}, {"clicks": {"gclid": ""}}),
        ({"tables": {"t": {"a": ""}}}, {"tables": {"t": {"a": ""}}}),
        ({"webhook_secret": "", "zzz": ""}, {"webhook_secret": "", "zzz": ""}),
    ],
)
def test_nothing_to_remove(document: dict[str, Any], kept: dict[str, Any]) -> None:
    """An empty text at a known leaf says nothing; a mistyped one stays, to be reported."""
    assert kept == without_removed(document)
