"""Order + clicks + mapping → the event, byte for byte, with its explanation."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from adapter.errors import MappingFailed
from adapter.purchase.decision import Decision, ShopRules, decide
from adapter.purchase.event import is_true
from adapter.purchase.expressions import compile_expression
from adapter.purchase.order import Order

EVENT = (
    '{"name":"purchase","dedupe_id":"5001","event_time":1777636800123,"event_source_url":"https://shop.example/",'
    '"user_data":{"esi":"web","client_ip_address":"203.0.113.9","client_user_agent":"Mozilla/5.0",'
    '"email":"b5fc85e55755f9e0d030a10ab4429b6b2944855f9a0d60077fe832becbc41d72","phone":"493415550142",'
    '"aleid":"click-1","country_code":"DE"},'
    '"data":{"transaction_id":"5001","currency":"EUR","value":18.00,"tax":4.37,"shipping":5.00,'
    '"items":[{"item_id":"77","item_name":"Mug","price":9.00,"quantity":2}]}}'
)


def decided(order: Order, rules: ShopRules, **stored: Any) -> Decision:  # Any stored field.
    """Decide on an order that came in at once."""
    return decide(order, stored, rules, timedelta(0))


def test_the_bytes(make_order: Callable[..., Order], make_rules: Callable[..., ShopRules]) -> None:
    """The event's bytes are exactly these; amounts are numbers with their own digits."""
    event = decided(make_order(), make_rules(), aleid="click-1").to_send
    assert event is not None
    assert EVENT == event.encode().decode()


def test_the_explanation(make_order: Callable[..., Order], make_rules: Callable[..., ShopRules]) -> None:
    """Every field has its expression, the file that says so and what came out, also when nothing did."""
    lines = decided(make_order(), make_rules()).explanation
    by_target = {line.target: line for line in lines}
    assert "purchase.email" == by_target["event.user_data.email"].expression
    assert "mappings/acme.toml" == by_target["event.user_data.email"].origin
    assert by_target["event.user_data.aleid"].value is None
    assert "77" == by_target["event.data.items[0].item_id"].value


def test_chains_of_identifiers(make_order: Callable[..., Order], make_rules: Callable[..., ShopRules]) -> None:
    """The first well-formed value of a chain wins, and its expression is remembered."""
    order = make_order(source={"id": 5001, "note_attributes": [{"name": "_axon_event_id", "value": "from order"}]})
    clicks = decided(order, make_rules(), aleid="stored-1").clicks
    assert {"aleid": "stored-1"} == clicks.values  # A blank is no character of an identifier.
    assert {"aleid": "stored.aleid"} == clicks.sources


def test_a_failing_link_of_a_chain_is_passed_over(
    make_order: Callable[..., Order], make_rules: Callable[..., ShopRules], mapping_document: dict[str, Any]
) -> None:
    """No purchase is lost for a click: the next expression is tried, with a warning."""
    mapping_document["clicks"]["aleid"] = ["join('', order.id)", "stored.aleid"]
    decision = decided(make_order(), make_rules(mapping_document), aleid="x")
    assert {"aleid": "x"} == decision.clicks.values
    expected = "clicks.aleid passed over join('', order.id): join() wants array-string, and found a number"
    assert (expected,) == decision.warnings[-1:]


def test_an_optional_field_that_fails(
    make_order: Callable[..., Order], make_rules: Callable[..., ShopRules], mapping_document: dict[str, Any]
) -> None:
    """An optional field is left out with a warning; the order is sent."""
    mapping_document["event"]["user_data"]["zip"] = "sum(order.id)"
    decision = decided(make_order(), make_rules(mapping_document))
    assert decision.to_send is not None
    assert "zip" not in decision.to_send.fields["user_data"]
    expected = "event.user_data.zip was left out: sum(order.id): sum() wants array-number, and found a number"
    assert expected in decision.warnings


def test_a_required_field_that_fails(
    make_order: Callable[..., Order], make_rules: Callable[..., ShopRules], mapping_document: dict[str, Any]
) -> None:
    """A required field stops the order; the problem names target and expression, and no value."""
    mapping_document["event"]["data"]["items"]["item_id"] = "sum(line.vendor)"
    decision = decided(make_order(), make_rules(mapping_document))
    expected = "event.data.items[0].item_id = sum(line.vendor): sum() wants array-number, and found text"
    assert (expected,) == decision.problems
    assert decision.to_send is None


def test_partner_data_is_sent_whole_or_not(
    make_order: Callable[..., Order], make_rules: Callable[..., ShopRules], mapping_document: dict[str, Any]
) -> None:
    """With all its required fields the object is sent, without one of them it isn't, with a warning."""
    partner = {
        "accounting_mode": "'CASH'",
        "attribution_lookback_window_hours": "`24`",
        "attribution_model": "'LAST_CLICK'",
        "attribution_share": "`0.5`",
        "is_claimable": "`true`",
    }
    mapping_document["event"]["measurement_partner_data"] = partner
    sent = decided(make_order(), make_rules(mapping_document)).to_send
    assert sent is not None
    assert sent.fields["measurement_partner_data"]["is_claimable"] is True
    partner["attribution_model"] = "order.absent"
    decision = decided(make_order(), make_rules(mapping_document))
    assert decision.to_send is not None
    assert "measurement_partner_data" not in decision.to_send.fields
    assert "event.measurement_partner_data was left out: no value for attribution_model" in decision.warnings


@pytest.mark.parametrize(
    ("text", "truth"),
    [
        ("`0`", True),
        ("'x'", True),
        ("''", False),
        ("`[]`", False),
        ("`{}`", False),
        ("order.absent", False),
        ("`false`", False),
    ],
)
def test_truth(text: str, truth: bool) -> None:
    """A condition holds by JMESPath's idea of truth."""
    expression = compile_expression(text, {"order": None}, {})
    assert truth is is_true("orders.skip_if", expression, {"order": {}})


def test_a_condition_that_fails() -> None:
    """A condition that can't be evaluated names itself."""
    expression = compile_expression("sum(order.id)", {"order": None}, {})
    with pytest.raises(MappingFailed, match=r"orders\.skip_if = sum\(order\.id\): sum\(\) wants array-number"):
        is_true("orders.skip_if", expression, {"order": {"id": 5}})
