"""Why each field is what it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from adapter.purchase.decision import ShopRules, lines_of, scope_of
from adapter.purchase.explanation import Explained, Explainer, Source
from adapter.purchase.names import names_for
from adapter.purchase.order import LineItem, Order
from adapter.purchase.reads import Read


def explained(order: Order, rules: ShopRules, **stored: Any) -> dict[str, Explained]:
    """Return by target the explanation of an order's event."""
    names = names_for(order, rules.site_url, rules.mapping.categories)
    scope, clicks = scope_of(order, names, stored, rules)
    places = {"purchase.email": ("order.email",)}
    found = {name: f"found by {text}" for name, text in clicks.sources.items()}
    lines = Explainer(scope, lines_of(order, names), places, found).explain(rules.mapping)
    return {line.target: line for line in lines}


def test_every_field(make_order: Callable[..., Order], make_rules: Callable[..., ShopRules]) -> None:
    """A field has its expression, the place in the file, what came out, what was read, and where that came from."""
    order = make_order(source={"id": 5001, "email": "Ada@example.com"})
    lines = explained(order, make_rules(), aleid="click-1")
    email = lines["event.user_data.email"]
    digest = "b5fc85e55755f9e0d030a10ab4429b6b2944855f9a0d60077fe832becbc41d72"
    source = Source(Read("purchase.email", digest), Read("order.email", "Ada@example.com"))
    assert Explained(email.target, "purchase.email", "mappings/acme.toml", digest, (source,)) == email
    assert "5001" == lines["event.dedupe_id"].value
    assert (Source(Read("order.id", 5001), None),) == lines["event.dedupe_id"].sources
    assert (Source(Read("clicks.aleid", "click-1"), "found by stored.aleid"),) == lines[
        "event.user_data.aleid"
    ].sources
    assert (Source(Read("clicks.axwrt", None), None),) == lines["event.user_data.axwrt"].sources
    assert () == lines["event.user_data.esi"].sources


def test_the_order_of_the_event(
    make_order: Callable[..., Order], make_line: Callable[..., LineItem], make_rules: Callable[..., ShopRules]
) -> None:
    """The explanation reads like the event: its own fields, the user's, the purchase's, each item's."""
    lines = explained(make_order(lines=(make_line(), make_line(product_id="78"))), make_rules())
    sections = [target.rpartition(".")[0] for target in lines]
    expected = ["event", "event.user_data", "event.data", "event.data.items[0]", "event.data.items[1]"]
    assert expected == list(dict.fromkeys(sections))
    assert 3 + 8 + 5 + 4 + 4 == len(lines)
    assert ["77", "78"] == [lines[f"event.data.items[{index}].item_id"].value for index in (0, 1)]


def test_fields_that_fail(
    make_order: Callable[..., Order], make_rules: Callable[..., ShopRules], mapping_document: dict[str, Any]
) -> None:
    """A failing expression and a value that doesn't fit say why, with what was read; the other fields go on."""
    mapping_document["event"]["data"]["value"] = "sum(order.id)"
    mapping_document["event"]["data"]["tax"] = "order.word"
    lines = explained(make_order(source={"id": 5001, "word": "much"}), make_rules(mapping_document))
    value, tax = lines["event.data.value"], lines["event.data.tax"]
    assert (None, "sum() wants array-number, and found a number") == (value.value, value.failed)
    assert (Source(Read("order.id", 5001), None),) == value.sources
    assert (None, "a number is wanted, this is text") == (tax.value, tax.failed)
    assert lines["event.data.shipping"].failed is None
