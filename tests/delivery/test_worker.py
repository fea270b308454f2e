"""Delivering: what becomes of orders under every answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from adapter.axon.client import AxonClient
from adapter.axon.outcome import Outcome, Verdict
from adapter.axon.sandbox import Sandbox
from adapter.errors import StorageUnavailable
from adapter.storage.arrivals import Receipt
from adapter.storage.destinations import Condition
from adapter.storage.purchases import Purchases
from adapter.storage.tables import State

MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _fresh_logs() -> None:
    structlog.reset_defaults()


def refusing(*bad: int) -> Callable[[list[dict[str, Any]]], int]:
    """Answer 400 to every batch that holds one of these orders."""
    ids = set(map(str, bad))
    return lambda events: 400 if ids & {event["dedupe_id"] for event in events} else 200


def test_a_batch_is_delivered(any_house: Any) -> None:
    """Due orders go out in one request of at most 100, and are delivered."""
    any_house.receive(*range(1, 131))
    any_house.worker.drain()
    assert [100, 30] == [len(events) for _, events, _ in any_house.api.requests]
    assert {"delivered"} == set(any_house.states().values())
    row = any_house.rows()["1"]
    assert (any_house.clock(), any_house.clock()) == (row["settled_at"], row["first_sent_at"])
    assert {"verdict": "accepted", "status": 200} == json.loads(row["answer"])


@pytest.mark.parametrize("position", [*range(1, 101, 7), 100])
def test_one_poison_in_a_hundred(house: Any, position: int) -> None:
    """99 are delivered and one is quarantined with the answer, in at most 16 requests, wherever it stands."""
    house.receive(*range(1, 101))
    house.api.answer = refusing(position)
    house.worker.drain()
    house.worker.drain()
    states = house.states()
    assert 99 == list(states.values()).count("delivered")
    assert "quarantined" == states[str(position)]
    assert 16 >= len(house.api.requests)
    assert "refused by Axon: answer 400: code" == house.rows()[str(position)]["reason"]
    assert 400 == json.loads(house.rows()[str(position)]["answer"])["status"]


@pytest.mark.parametrize(("poisons", "most"), [(2, 29), (5, 60), (10, 99)])
def test_several_poisons(house: Any, poisons: int, most: int) -> None:
    """Several bad events cost no more than plain halving and one more try each, and stop nothing."""
    house.receive(*range(1, 101))
    house.api.answer = refusing(*range(3, 3 + 9 * poisons, 9))
    for _ in range(3):
        house.worker.drain()
    states = list(house.states().values())
    assert (100 - poisons, poisons) == (states.count("delivered"), states.count("quarantined"))
    assert most >= len(house.api.requests)


def test_everything_is_refused(house: Any) -> None:
    """A 400 for everything quarantines nothing: doubtful within 10 requests, probed, delivered after the repair."""
    house.receive(*range(1, 101))
    house.api.answer = lambda _events: 400
    house.worker.drain()
    assert 10 >= len(house.api.requests)
    assert Condition.DOUBTFUL is house.state_of().condition
    assert {"pending"} == set(house.states().values())
    before = len(house.api.requests)
    house.receive(500)
    house.go_on(120)
    probes = house.api.requests[before:]
    assert 2 <= len(probes) <= 20
    assert {1} == {len(events) for _, events, _ in probes}
    assert "500" == json.loads(probes[0][1][0])["dedupe_id"]
    assert {"pending"} == set(house.states().values())
    house.api.answer = lambda _events: 200
    house.go_on(120)
    assert {"delivered"} == set(house.states().values())
    assert len(house.api.accepted) == len(set(house.api.accepted)) == 101


def test_repair_without_a_new_order(house: Any) -> None:
    """When only suspects wait, they are tried again now and then, so the repair is noticed."""
    house.receive(1, 2)
    house.api.answer = lambda _events: 400
    house.go_on(1200, 15)
    assert {"pending"} == set(house.states().values())
    assert 20 >= len(house.api.requests)
    house.api.answer = lambda _events: 200
    house.go_on(700, 15)
    assert {"delivered"} == set(house.states().values())


def test_a_lone_refused_order(house: Any) -> None:
    """In a quiet shop it stays pending, never stands in front, and is decided by the next accepted one."""
    house.api.answer = refusing(1)
    house.receive(1)
    house.go_on(60)
    assert "pending" == house.states()["1"]
    house.receive(2)
    house.go_on(31)
    assert {"1": "quarantined", "2": "delivered"} == house.states()


@pytest.mark.parametrize("status", [401, 403, 404])
def test_refused_credentials(house: Any, status: int) -> None:
    """One request, then one probe per five minutes and one alert; the other shop goes on; attempts aren't used."""
    house.receive(*range(1, 11))
    house.receive(77, shop="other")
    house.api.answer = lambda events: status if events[0]["event_source_url"].startswith("https://acme") else 200
    with capture_logs() as logs:
        house.go_on(3600, 20)
    mine = [request for request in house.api.requests if request[0] == "pixel"]
    assert 11 <= len(mine) <= 13
    assert 1 == sum(line["event"] == "destination paused" for line in logs)
    rows = house.rows()
    assert "delivered" == rows.pop("77")["state"]
    assert {("pending", 0)} == {(row["state"], row["attempts"]) for row in rows.values()}
    assert Condition.PAUSED is house.state_of().condition
    house.api.answer = lambda _events: 200
    house.go_on(320, 20)
    assert {"delivered"} == set(house.states().values())


def test_new_credentials_begin_at_once(house: Any) -> None:
    """Another key is another destination: no pause, nothing lost."""
    house.receive(1)
    house.api.answer = lambda _events: 401
    house.worker.drain()
    house.api.answer = lambda _events: 200
    house.worker.drain()
    assert "pending" == house.states()["1"]
    house.new_worker(key="another key").drain()
    assert "delivered" == house.states()["1"]


def test_resuming(house: Any) -> None:
    """A pause ends when a person says so."""
    house.receive(1)
    house.api.answer = lambda _events: 401
    house.worker.drain()
    house.api.answer = lambda _events: 200
    ((id_, _),) = [item for item in house.shops().destinations().items() if item[1][1] == ["acme"]]
    house.destinations.resume(id_, house.clock())
    house.worker.drain()
    assert "delivered" == house.states()["1"]


@pytest.mark.parametrize("failure", [408, 429, 500, 503, "no answer in time", 302, 204])
def test_an_unknown_outcome_is_sent_again_byte_for_byte(any_house: Any, failure: int | str) -> None:
    """Whatever the mapping or the order's newer body say meanwhile, the same bytes go out with the same id."""
    house = any_house
    house.receive(1)
    house.api.answer = lambda _events: failure
    house.worker.drain()
    house.receive(1, total="99.00", body_at=house.clock() + MINUTE)
    house.worker = house.new_worker(orders='skip_if = "`true`"')
    house.go_on(5)
    house.api.answer = lambda _events: 200
    house.go_on(400, 5)
    assert "delivered" == house.states()["1"]
    assert 1 == len({events[0] for _, events, _ in house.api.requests})
    assert len(house.api.requests) >= 2


@pytest.mark.parametrize("refusal", [400, 401])
def test_after_a_definite_refusal_the_event_is_made_anew(house: Any, refusal: int) -> None:
    """A corrected mapping, or a newer body, changes what is sent after a refusal."""
    house.receive(1)
    house.api.answer = lambda _events: refusal
    house.worker.drain()
    line = {"id": 1, "name": "Mug", "product_id": 7, "quantity": 1}
    lines = [{**line, "subtotal": "12.00", "total": "12.00", "total_tax": "0.00"}]
    house.receive(1, line_items=lines, total="12.00", body_at=house.clock() + MINUTE)
    house.api.answer = lambda _events: 200
    house.go_on(700, 5)
    assert "delivered" == house.states()["1"]
    assert 12 == json.loads(house.api.requests[-1][1][0])["data"]["value"]


def test_a_killed_worker(any_house: Any) -> None:
    """What was claimed and maybe sent by a worker that died is sent again, byte for byte, after its lease."""
    house = any_house
    house.receive(1)
    (claim,) = house.purchases.claim(["acme"], "due", 10, house.clock(), MINUTE)
    house.purchases.freeze([(claim, b'{"dedupe_id":"1","frozen":true}')], house.clock(), MINUTE)
    house.worker.drain()
    assert [] == house.api.requests
    house.clock.advance(61)
    house.worker.drain()
    assert [b'{"dedupe_id":"1","frozen":true}'] == house.api.requests[0][1]
    assert "delivered" == house.states()["1"]


def test_a_takeover_while_sending(house: Any) -> None:
    """A worker that was frozen while sending can't settle what another one took over."""
    house.receive(1)

    def slow(_events: list[dict[str, Any]]) -> int:
        house.clock.advance(61)
        house.purchases.claim(["acme"], "due", 10, house.clock(), MINUTE)
        return 200

    house.api.answer = slow
    with capture_logs() as logs:
        house.worker.drain()
    assert "delivering" == house.states()["1"]
    assert "claims were taken over while sending" in [line["event"] for line in logs]


def test_too_large(house: Any) -> None:
    """A 413 halves a batch; a single event that is too large is quarantined."""
    house.receive(*range(1, 5))
    house.api.answer = lambda events: 413 if len(events) > 1 or events[0]["dedupe_id"] == "2" else 200
    house.worker.drain()
    assert {"1": "delivered", "2": "quarantined", "3": "delivered", "4": "delivered"} == house.states()


def test_odd_answers_pause(house: Any) -> None:
    """Five odd answers in a row pause the destination."""
    house.receive(1)
    house.api.answer = lambda _events: 302
    house.go_on(200)
    assert Condition.PAUSED is house.state_of().condition
    assert 5 == len(house.api.requests)


def test_a_dead_api(house: Any) -> None:
    """After five failures one probe at a time is sent, about one a minute; the backlog goes out when it is back."""
    house.receive(*range(1, 251))
    house.api.answer = lambda _events: "no answer in time"
    with capture_logs() as logs:
        house.go_on(600, 5)
    assert Condition.DOWN is house.state_of().condition
    assert 5 + 10 >= len(house.api.requests)
    assert {1} == {len(events) for _, events, _ in house.api.requests[5:]}
    assert 1 == sum(line["event"] == "destination down" for line in logs)
    house.api.answer = lambda _events: 200
    before = len(house.api.requests)
    house.go_on(900, 5)
    assert {"delivered"} == set(house.states().values())
    assert 250 == len(house.api.accepted)
    assert 100 >= len(house.api.requests) - before


def test_an_order_is_not_blamed_for_its_own_acceptance(house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker dies after an order was accepted, before that is marked; it is sent again and refused this time.

    Nothing says that another order would be accepted, so it waits for one, and is blamed only then.
    """
    house.receive(1)
    with monkeypatch.context() as dying:
        dying.setattr(Purchases, "settle", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            house.worker.drain()
    house.api.answer = refusing(1)
    house.go_on(120, 10)
    assert "pending" == house.states()["1"]
    house.receive(2)
    house.go_on(120, 10)
    assert {"1": "quarantined", "2": "delivered"} == house.states()


def test_retry_after(house: Any) -> None:
    """What the API asks for is kept: no request before."""
    house.receive(1)
    busy = Outcome(verdict=Verdict.UNKNOWN, status=429, retry_after=5 * MINUTE)
    house.api.answer = lambda _events: busy
    house.worker.drain()
    house.receive(2)
    house.go_on(290, 10)
    assert 1 == len(house.api.requests)
    house.api.answer = lambda _events: 200
    house.go_on(30)
    assert {"delivered"} == set(house.states().values())


def test_a_hold_ends_by_itself(house: Any) -> None:
    """An order without a click is held 20 s and then sent."""
    house.receive(1, meta_data=[])
    house.worker.drain()
    assert ("pending", []) == (house.states()["1"], house.api.requests)
    house.go_on(19)
    assert [] == house.api.requests
    house.go_on(2)
    assert "delivered" == house.states()["1"]


def test_a_late_click_ends_a_hold(any_house: Any) -> None:
    """A click that comes while an order waits is attached, and the order is sent at once."""
    house = any_house
    house.receive(1, meta_data=[])
    house.worker.drain()
    house.clock.advance(2)
    house.clicks.remember("acme", [("order_key", "wc_order_1")], {"aleid": "late"}, house.clock())
    house.worker.drain()
    assert "late" == json.loads(house.api.requests[0][1][0])["user_data"]["aleid"]


def test_skips_and_bad_orders_stop_nothing(house: Any) -> None:
    """An unpaid order is skipped, an unreadable and an unmappable one are quarantined, the next one goes out."""
    house.receive(1, status="on-hold", date_paid_gmt=None)
    house.receive(2, currency=None)
    house.receive(3, customer_ip_address="203.0.113.9", billing={"email": 5})
    house.receive(4)
    house.purchases.receive([Receipt(shop="acme", order_id="5", body=b'{"id": 5, "a": "\\ud800"}')], house.clock())
    house.worker.drain()
    rows = house.rows()
    reasons = {order_id: row["reason"] for order_id, row in rows.items()}
    assert {"1": "skipped", "2": "quarantined", "3": "quarantined", "4": "delivered", "5": "quarantined"} == {
        order_id: row["state"] for order_id, row in rows.items()
    }
    assert "unpaid: the order is unpaid; it is sent when it is paid" == reasons["1"]
    assert str(reasons["2"]).startswith("unreadable: ")
    assert str(reasons["5"]).startswith("unreadable: the body isn't JSON that can be read: ")


def test_nul_characters(house: Any) -> None:
    """No database and no API chokes on NUL characters in the texts of an order: they are left out of what is sent."""
    billing = {"email": "ada@example.com", "postcode": "04\x00109", "country": "DE"}
    house.receive(1, billing=billing, meta_data=[{"key": "\0", "value": "\0"}])
    house.receive(2, customer_user_agent="Mozilla/5.0\0", customer_note="\0", status="processing\0")
    house.worker.drain()
    house.clock.advance(20)
    house.worker.drain()
    assert {"1": "delivered", "2": "delivered"} == house.states()
    assert b"\\u0000" not in b"".join(body for request in house.api.requests for body in request[1])


def test_a_failing_mapping(house: Any) -> None:
    """A mapping that fails on one order quarantines it with target and expression; the next one goes out."""
    house.worker = house.new_worker(orders="skip_if = \"contains(order.tags, 'x')\"")
    house.receive(1, tags=5)
    house.receive(2, tags="")
    house.worker.drain()
    assert {"1": "quarantined", "2": "delivered"} == house.states()
    why = "contains() wants array or string, and found a number; order.tags is a number"
    assert f"orders.skip_if = contains(order.tags, 'x'): {why}" == house.rows()["1"]["reason"]


def test_paid_later(house: Any) -> None:
    """An order that was skipped as unpaid is sent when it is paid."""
    house.receive(1, status="on-hold", date_paid_gmt=None)
    house.worker.drain()
    assert "skipped" == house.states()["1"]
    house.clock.advance(60)
    house.receive(1)
    house.worker.drain()
    assert "delivered" == house.states()["1"]


def test_a_refusal_of_the_buyer(any_house: Any, engine: Any) -> None:
    """Consent denied: not sent, the body is purged, the click is deleted, and no later body changes that."""
    house = any_house
    house.clicks.remember("acme", [("order_key", "wc_order_1")], {"aleid": "x"}, house.clock())
    house.receive(1, meta_data=[{"key": "ad_consent", "value": "denied"}])
    house.worker.drain()
    assert "consent denied: the buyer refused" == house.rows()["1"]["reason"]
    assert {} == house.clicks.find("acme", [("order_key", "wc_order_1")])
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT body FROM purchases").scalar() is None
    house.clock.advance(60)
    house.receive(1)
    house.worker.drain()
    assert ("skipped", []) == (house.states()["1"], house.api.requests)


def test_orders_that_came_too_late(house: Any) -> None:
    """The age is that of the first receipt."""
    house.receive(1, age=timedelta(days=8))
    house.receive(2, age=timedelta(days=6))
    house.worker.drain()
    assert {"1": "skipped", "2": "delivered"} == house.states()


def test_two_workers_never_send_one_event_twice(any_house: Any) -> None:
    """Two workers on one database share the orders; none is sent by both."""
    house = any_house
    house.receive(*range(1, 301))
    workers = [house.new_worker(), house.new_worker()]
    threads = [Thread(target=worker.drain) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, range(1, 301))) == sorted(house.api.accepted)


def test_running_and_stopping(house: Any) -> None:
    """The running worker finds new orders by itself, and stops when told."""
    thread = Thread(target=house.worker.run)
    thread.start()
    house.receive(1)
    gives_up = monotonic() + 5
    while house.states()["1"] != "delivered" and monotonic() < gives_up:
        sleep(0.02)
    house.worker.stop.set()
    thread.join(5)
    assert not thread.is_alive()
    assert "delivered" == house.states()["1"]


def test_stopping_while_sending(house: Any) -> None:
    """The request in hand is finished; what wasn't sent is given back at once."""
    house.receive(*range(1, 101))

    def stop(events: list[dict[str, Any]]) -> int:
        house.worker.stop.set()
        return 400 if len(events) > 1 else 200

    house.api.answer = stop
    house.worker.run()
    house.worker.deliver_to(*next(iter(house.shops().destinations().values())))
    assert 1 <= len(house.api.requests) <= 2
    assert {"pending"} == set(house.states().values())


def test_trouble_does_not_end_the_worker(house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that is away and a bug are logged without values; the worker goes on when they are over."""
    house.worker.trouble_seconds = 0.05
    troubles: list[Exception] = [StorageUnavailable("away"), ValueError("canary@example.com"), StorageUnavailable("x")]
    send = house.api.send

    def troubled(*arguments: Any) -> Outcome:
        if troubles:
            raise troubles.pop()
        return Outcome(**{name: getattr(send(*arguments), name) for name in ("verdict", "status")})

    monkeypatch.setattr(house.api, "send", troubled)
    house.receive(1)
    with capture_logs() as logs:
        thread = Thread(target=house.worker.run)
        thread.start()
        gives_up = monotonic() + 10
        while house.states()["1"] != "delivered" and monotonic() < gives_up:
            house.clock.advance(61)
            sleep(0.05)
        house.worker.stop.set()
        thread.join(5)
    assert "delivered" == house.states()["1"]
    assert {"storage unavailable", "delivery failed"} <= {line["event"] for line in logs}
    assert "canary" not in str([line for line in logs if line["event"] == "delivery failed"])


def test_the_clock_jumps(house: Any) -> None:
    """Back by an hour or forth by ten years: nothing is stuck."""
    house.receive(1)
    house.api.answer = lambda _events: 401
    house.worker.drain()
    house.clock.advance(3600 * 24 * 3650)
    house.receive(2, body_at=house.clock())
    house.go_on(2)
    house.clock.advance(-3600 * 24 * 3650)
    house.api.answer = lambda _events: 200
    house.receive(3)
    house.go_on(700, 10)
    assert "delivered" == house.states()["1"]
    assert "delivered" == house.states()["3"]


def test_the_real_client_and_the_sandbox(house: Any) -> None:
    """Over real HTTP: one poison of ten is quarantined, nine purchases arrive with their exact value."""
    with Sandbox({"pixel": "key"}) as sandbox:
        sandbox.misbehave(poison={"dedupe_ids": ["4"]})
        house.receive(*range(1, 11))
        client = AxonClient()
        real = lambda _url, *rest: client.send(sandbox.url, *rest)  # noqa: E731  # Only the address is another one.
        house.api.send = real
        house.worker.drain()
        house.worker.drain()
        received = sandbox.received()
        client.close()
    assert "quarantined" == house.states()["4"]
    assert (9, {"EUR": "90.00"}) == (received["purchases"], received["value_by_currency"])
    assert [[]] * 9 == [event["remarks"] for event in received["events"]]


def test_polling_survives_a_missing_database(house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking for due orders while the database is away is no end either."""
    house.worker.trouble_seconds = 0.01
    seen = Event()

    def away(_now: Any) -> bool:
        if seen.is_set():
            house.worker.stop.set()
        seen.set()
        raise StorageUnavailable("away")

    monkeypatch.setattr(house.purchases, "anything_due", away)
    with capture_logs() as logs:
        house.worker.run()
    assert 2 == sum(line["event"] == "storage unavailable" for line in logs)


def test_nothing_to_probe_with(house: Any) -> None:
    """A paused destination without orders takes no probe; a probe whose order another worker took is given back."""
    house.receive(1)
    house.api.answer = lambda _events: 401
    house.worker.drain()
    house.clock.advance(301)
    (claim,) = house.purchases.claim(["acme"], "due", 1, house.clock(), MINUTE)
    house.worker.drain()
    assert 1 == len(house.api.requests)
    house.purchases.settle([])
    assert claim.order_id == "1"
    assert State.DELIVERING.value == house.states()["1"]
