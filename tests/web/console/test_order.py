"""The page of one order: its story, its event and money, what is hidden, and what can be done with it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from adapter.axon.outcome import Verdict
from adapter.delivery import settlements
from adapter.storage.retention import Retention
from adapter.storage.tables import State

PERSONAL = ("ada.rowan", "203.0.113.1", "5035550142", "97205", "d98a3f612ff594f7", "0b8f6c1e-0000", "iPhone")


def names(operator: Any) -> list[str]:
    """Return what the log says while nothing but the console is used."""
    return [str(row["state"]) for row in operator.web.rows().values()]


def test_a_delivered_order(operator: Any, orders: Any) -> None:
    """The story in time, the event's fields with their origin, and the money as a sum; and no way to send it again."""
    words = operator.read(f"/console/orders/{orders.delivered('5001')}")
    assert "2026-05-01 12:00:00 The webhook came in, signed and on disk before it was answered" in words
    assert "2026-05-01 12:00:03 Accepted by Axon; 7.0 s after the order, inside the 5 minutes" in words
    assert "Fern pot after a discount of 11.00 3 × 20.333 61.00" in words
    assert "Items the event's value 105.00 Tax 7.35 Shipping 7.50 Total, as the order says it 119.85" in words
    assert "data.value 105.00 purchase.items_value · mappings/shopify.toml:" in words
    assert "was delivered on 2026-05-01 12:00:03: it is never sent again" in words
    assert "Carried aleid, axwrt, client_id, email, phone, ip, user_agent" in words
    assert "Decide again" not in words
    assert "Send the same" not in words


@pytest.mark.parametrize("make", ["delivered", "refused", "receive"])
def test_personal_data_is_hidden(operator: Any, orders: Any, make: str) -> None:
    """Neither a value of the buyer stands on the page nor what hides one."""
    page = operator.get(f"/console/orders/{getattr(orders, make)('1')}").text
    assert "hidden, 64 characters" in page
    assert [] == [value for value in PERSONAL if value in page]


def test_showing_personal_data(operator: Any, orders: Any) -> None:
    """A form shows it, once, and the log says so without any of it; nobody's link can do that."""
    row = orders.delivered("5001")
    assert 405 == operator.get(f"/console/orders/{row}/show").status_code or 404
    with capture_logs() as logs:
        answer = operator.post(f"/console/orders/{row}/show")
    assert [] == [value for value in PERSONAL if value not in answer.text]
    assert "order.email = ada.rowan@example.com" in answer.text
    (line,) = [line for line in logs if line["event"] == "personal data shown"]
    assert ("shopify", "5001", "console") == (line["shop"], line["order"], line["by"])
    assert "ada" not in str(logs)
    assert "ada.rowan" not in operator.get(f"/console/orders/{row}").text


def test_an_answer_that_repeats_the_buyer(operator: Any, orders: Any) -> None:
    """What Axon says is shown, but for what looks like a value of the event."""
    row = orders.refused("1", "invalid: ada.rowan@example.com, +1 503-555-0142, 203.0.113.1, item 0 is odd")
    page = operator.get(f"/console/orders/{row}").text
    assert "item 0 is odd" in page
    assert [] == [value for value in (*PERSONAL, "555-0142") if value in page]
    assert "ada.rowan" in operator.post(f"/console/orders/{row}/show").text


def test_retrying_after_a_refusal(operator: Any, orders: Any) -> None:
    """A refused order is decided again after a confirmation, which is logged; a link alone changes nothing."""
    row = orders.refused("1")
    assert "Decide again" in operator.read(f"/console/orders/{row}")
    assert "made anew by the present mapping" in operator.read(f"/console/orders/{row}/retry")
    assert ["quarantined"] == names(operator)
    with capture_logs() as logs:
        answer = operator.post(f"/console/orders/{row}/retry")
    assert (303, f"/console/orders/{row}") == (answer.status_code, answer.headers["Location"])
    assert ["pending"] == names(operator)
    assert [("order retried", "console")] == [(line["event"], line["by"]) for line in logs if "by" in line]
    assert "order 1 of shopify is due again" in operator.read(f"/console/orders/{row}")


def test_retrying_what_may_have_been_accepted(operator: Any, orders: Any, clock: Any) -> None:
    """The same bytes are sent again, and the page says so."""
    orders.receive("1")
    row = orders.send("1", lambda claim, outcome, now: settlements.unknown(claim, outcome, now, now),
                      verdict=Verdict.UNKNOWN, problem="timed out")  # fmt: skip
    assert 303 == operator.post(f"/console/orders/{row}/give-up").status_code
    assert "an earlier try may have been accepted" in operator.read(f"/console/orders/{row}")
    assert "Send the same bytes again" in operator.read(f"/console/orders/{row}")
    assert "exactly the same bytes" in operator.read(f"/console/orders/{row}/retry")
    operator.post(f"/console/orders/{row}/retry")
    assert ["pending"] == names(operator)


@pytest.mark.parametrize("action", ["retry", "give-up"])
def test_a_delivered_order_is_left_alone(operator: Any, orders: Any, action: str) -> None:
    """Neither its page nor a form that was sent all the same changes it."""
    row = orders.delivered("1")
    assert "can't be done now" in operator.read(f"/console/orders/{row}/{action}", 409)
    assert 409 == operator.post(f"/console/orders/{row}/{action}").status_code
    assert ["delivered"] == names(operator)


def test_giving_up(operator: Any, orders: Any) -> None:
    """An order that waits is ended after a confirmation, which is logged; it can be retried later."""
    row = orders.receive("1")
    assert "It isn't sent" in operator.read(f"/console/orders/{row}/give-up")
    with capture_logs() as logs:
        operator.post(f"/console/orders/{row}/give-up")
    assert [("order given up", "console")] == [(line["event"], line["by"]) for line in logs if "by" in line]
    words = operator.read(f"/console/orders/{row}")
    assert "State given up" in words
    assert "Decide again" in words


def test_what_is_in_flight_is_not_given_up(operator: Any, orders: Any, clock: Any) -> None:
    """While a worker holds an order it can't be ended; when the worker is dead, it can."""
    row = orders.receive("1")
    orders.prepared("1")
    assert 409 == operator.post(f"/console/orders/{row}/give-up").status_code
    clock.advance(120)
    assert 303 == operator.post(f"/console/orders/{row}/give-up").status_code


def test_an_order_that_waits(operator: Any, orders: Any) -> None:
    """It says that it waits, and why there is nothing to retry."""
    words = operator.read(f"/console/orders/{orders.receive('1')}")
    assert "Due since then" in words
    assert "waits already, and is tried again by itself" in words


def test_a_skipped_order(operator: Any, orders: Any) -> None:
    """Its reason is shown, what it would be, and what every rule says."""
    body = (orders._parts.settings.mappings_dir.parent / "tests/samples/shopify/test_payment.json").read_bytes()
    words = operator.read(
        f"/console/orders/{orders.receive('1', body, state=State.SKIPPED, reason='test: a test payment')}"
    )
    assert "Skipped: test: a test payment" in words
    assert "The event as the present mapping makes it" in words
    assert "test fired" in words


def test_after_the_retention(operator: Any, orders: Any, clock: Any) -> None:
    """When its body is purged, what isn't personal stays, and the page says so."""
    row = orders.delivered("1")
    keep = timedelta(days=30)
    assert 1 == Retention(operator.web.engine, keep).purge_orders(timedelta(days=31))
    words = operator.read(f"/console/orders/{row}")
    assert "its body and its event" in words
    assert "Value sent 105.00 USD" in words
    assert "Accepted by Axon" in words


def test_another_key(operator: Any, orders: Any, sealer: Any) -> None:
    """What can't be opened is said, and the rest is shown."""
    row = orders.receive("1")
    with operator.web.engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE purchases SET order_id = '2' WHERE id = {row}")
    assert "its body can't be opened" in operator.read(f"/console/orders/{row}")


def test_a_shop_without_a_mapping_file(operator: Any, orders: Any) -> None:
    """Its orders are shown; there is nowhere to send them."""
    row = orders.receive("1")
    with operator.web.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE purchases SET shop = 'gone'")
    words = operator.read(f"/console/orders/{row}")
    assert "No mapping file is named gone" in words
    assert "is deleted" not in words
    assert 409 == operator.post(f"/console/orders/{row}/retry").status_code


@pytest.mark.parametrize("row", ["0", "999", str(2**63 - 1), str(2**63), "9" * 400, "-1", "1.0", "x"])
@pytest.mark.parametrize("rest", ["", "/retry", "/give-up"])
def test_no_such_order(operator: Any, row: str, rest: str) -> None:
    """A number that no order has is no order, whatever it is."""
    assert 404 == operator.get(f"/console/orders/{row}{rest}").status_code


@pytest.mark.parametrize("action", ["show", "retry", "give-up"])
def test_a_form_for_no_such_order(operator: Any, action: str) -> None:
    """As above."""
    assert 404 == operator.post(f"/console/orders/999/{action}").status_code
