"""Order + clicks + mapping → the event, byte for byte."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from adapter.errors import MappingFailed
from adapter.purchase.decision import Decision, ShopRules, decide
from adapter.purchase.event import encode, is_true
from adapter.purchase.expressions import compile_expression
from adapter.purchase.order import Buyer, LineItem, Order, PhoneNumber

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
    expected = (
        "event.user_data.zip was left out: sum(order.id): "
        "sum() wants array-number, and found a number; order.id is a number"
    )
    assert expected in decision.warnings


def test_a_required_field_that_fails(
    make_order: Callable[..., Order], make_rules: Callable[..., ShopRules], mapping_document: dict[str, Any]
) -> None:
    """A required field stops the order; the problem names target and expression, and no value."""
    mapping_document["event"]["data"]["items"]["item_id"] = "sum(line.vendor)"
    decision = decided(make_order(), make_rules(mapping_document))
    expected = (
        "event.data.items[0].item_id = sum(line.vendor): sum() wants array-number, and found text; line.vendor is text"
    )
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
        ("`0.0`", True),
        ("`true`", True),
        ("`[0]`", True),
        ("order", False),
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


FULL_EVENT = (
    '{"name":"purchase","dedupe_id":"acme-5001","event_time":1777636800123,'
    '"event_source_url":"https://shop.example/danke",'
    '"user_data":{"esi":"web","client_ip_address":"2001:db8::1","client_user_agent":"Ä \\"Browser\\"",'
    '"phone":"81355500142","axwrt":"w-1"},'
    '"data":{"transaction_id":"5001","currency":"KWD","value":144.470,"tax":0,"shipping":0.000,'
    '"items":[{"item_id":"77","item_name":"Mug","price":35.9925,"quantity":4},'
    '{"item_id":"MUG","item_name":"茶","price":1.000,"quantity":0.5}]},'
    '"measurement_partner_data":{"accounting_mode":"CASH","attribution_lookback_window_hours":24,'
    '"attribution_model":"LAST_CLICK","attribution_share":0.5,"is_claimable":false}}'
)


def test_the_bytes_of_an_order_with_everything(
    make_order: Callable[..., Order],
    make_line: Callable[..., LineItem],
    make_rules: Callable[..., ShopRules],
    mapping_document: dict[str, Any],
) -> None:
    """Two lines, three decimals, another script, a page, partner data: exactly these bytes."""
    mapping_document["event"]["dedupe_id"] = "join('-', [shop.name, purchase.id])"
    mapping_document["event"]["measurement_partner_data"] = {
        "accounting_mode": "'CASH'",
        "attribution_lookback_window_hours": "`24`",
        "attribution_model": "'LAST_CLICK'",
        "attribution_share": "`0.5`",
        "is_claimable": "`false`",
    }
    lines = (
        make_line(quantity=Decimal(4), total=Decimal("143.970")),
        make_line(quantity=Decimal("0.5"), total=Decimal("0.500"), product_id=None, title="茶"),
    )
    buyer = Buyer(
        phones=(PhoneNumber(text="03-5550-0142", country_code="JP"),), ip="2001:DB8::1", user_agent='Ä "Browser"\n'
    )
    order = make_order(
        lines=lines, buyer=buyer, currency="KWD", tax=Decimal(0), shipping=Decimal("0.000"), page="/danke"
    )
    event = decided(order, make_rules(mapping_document), axwrt="w-1").to_send
    assert event is not None
    assert FULL_EVENT.encode() == event.encode()  # Three decimals: 35.993 × 4 is 143.972, not 143.970.


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("19.90"), "19.90"),
        (Decimal("0.00"), "0.00"),
        (Decimal("1234567890123456.78"), "1234567890123456.78"),
        (Decimal("0.000001"), "0.000001"),
        (2**70, "1180591620717411303424"),
        ({"a": [None, True, "ü\u2028"]}, '{"a":[null,true,"ü\u2028"]}'),
    ],
)
def test_encoding(value: object, text: str) -> None:
    """Decimals are JSON numbers with their own digits, of any length; text is UTF-8."""
    assert text.encode() == encode(value)


def test_an_optional_field_of_an_item_that_fails(
    make_order: Callable[..., Order],
    make_line: Callable[..., LineItem],
    make_rules: Callable[..., ShopRules],
    mapping_document: dict[str, Any],
) -> None:
    """The warning names the item by its number; the other items keep the field."""
    mapping_document["event"]["data"]["items"]["item_category_id"] = "line.category"
    lines = (make_line(source={"category": 187}), make_line(source={"category": "shoes"}), make_line(source={}))
    decision = decided(make_order(lines=lines), make_rules(mapping_document))
    assert decision.to_send is not None
    items = decision.to_send.fields["data"]["items"]
    assert [187, None, None] == [item.get("item_category_id") for item in items]
    expected = "event.data.items[1].item_category_id was left out: line.category: a number is wanted, this is text"
    assert [expected] == [warning for warning in decision.warnings if "items" in warning]


def test_a_required_field_without_a_value(
    make_order: Callable[..., Order], make_rules: Callable[..., ShopRules], mapping_document: dict[str, Any]
) -> None:
    """A required field that finds nothing is a problem of the contract, named by its path and its expression."""
    mapping_document["event"]["data"]["transaction_id"] = "order.absent"
    mapping_document["event"]["data"]["items"]["item_id"] = "line.absent"
    decision = decided(make_order(), make_rules(mapping_document))
    assert (
        "event.data.transaction_id: is required and missing (= order.absent, mappings/acme.toml)",
        "event.data.items[0].item_id: is required and missing (= line.absent, mappings/acme.toml)",
    ) == decision.problems


def test_a_partner_field_that_fails(
    make_order: Callable[..., Order], make_rules: Callable[..., ShopRules], mapping_document: dict[str, Any]
) -> None:
    """A failing required field of the optional object costs that object alone; nothing at all is silent."""
    partner = dict.fromkeys(
        ("accounting_mode", "attribution_lookback_window_hours", "attribution_model", "attribution_share"),
        "order.absent",
    )
    mapping_document["event"]["measurement_partner_data"] = {**partner, "is_claimable": "order.absent"}
    silent = decided(make_order(), make_rules(mapping_document))
    assert silent.to_send is not None
    assert not [warning for warning in silent.warnings if "partner" in warning]
    mapping_document["event"]["measurement_partner_data"] |= {"is_claimable": "order.id", "accounting_mode": "'CASH'"}
    decision = decided(make_order(), make_rules(mapping_document))
    assert decision.to_send is not None
    assert "measurement_partner_data" not in decision.to_send.fields
    start = "event.measurement_partner_data"
    missing = "attribution_lookback_window_hours, attribution_model, attribution_share, is_claimable"
    assert [
        f"{start}.is_claimable was left out: order.id: true or false is wanted, this is a number",
        f"{start} was left out: no value for {missing}",
    ] == list(decision.warnings[-2:])


def test_the_first_link_of_a_chain_wins(
    make_order: Callable[..., Order], make_rules: Callable[..., ShopRules]
) -> None:
    """What the order itself carries is taken before what was stored; without either there is no identifier."""
    order = make_order(source={"id": 5001, "note_attributes": [{"name": "_axon_event_id", "value": "from-order"}]})
    clicks = decided(order, make_rules(), aleid="stored-1").clicks
    assert {"aleid": "from-order"} == clicks.values
    assert {"aleid": "attribute(order, '_axon_event_id')"} == clicks.sources
    assert not decided(make_order(), make_rules()).clicks
