"""From the click to the event: what was posted is attached, a refusal reaches the order however it comes."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from adapter.axon.outcome import Outcome, Verdict
from adapter.errors import ConfigurationRefused
from adapter.storage.tables import awaited_clicks, clicks

ORIGINS = {"shopify": "https://shop.example", "woocommerce": "https://woo.example"}
CART = "hWN7Cart0001"


class Api:
    """A Conversion API that keeps every event and accepts it, unless `verdict` says otherwise.

    `meanwhile` is what happens while it is being asked.
    """

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.verdict = Verdict.ACCEPTED
        self.meanwhile: Callable[[], object] = lambda: None

    def send(self, _url: str, _pixel: str, _key: str, events: Sequence[bytes], _envelope: str = "events") -> Outcome:
        """Take a batch."""
        self.events += map(json.loads, events)
        self.meanwhile()
        return Outcome(verdict=self.verdict, status=200 if self.verdict is Verdict.ACCEPTED else None)


class House:
    """The application, a worker and the API, with one order of a platform: `key` is what its clicks come under."""

    def __init__(self, web: Any, sender: Any, clock: Any) -> None:
        self.web = web
        self.sender = sender
        self.clock = clock
        self.api = Api()
        self.order: dict[str, Any] = json.loads(sender.full_order())
        self.order |= {"note_attributes": [], "meta_data": [], "landing_site": "/"}
        self.order["cart_token"] = CART
        name = "checkout_token" if sender.name == "shopify" else "order_key"
        self.key = {name: self.order[name]}

    def write(self, name: str, value: str) -> None:
        """Write a cart attribute, or order meta, as a script of the shop does."""
        place, key = ("note_attributes", "name") if self.sender.name == "shopify" else ("meta_data", "key")
        self.order[place] = [*self.order[place], {key: name, "value": value}]

    def click(self, **body: str) -> None:
        """Post a click of the shop's page under the order's key."""
        self.browse(**self.key, **body)

    def browse(self, **body: str) -> None:
        """Post a click of the shop's page under the keys that it brings."""
        headers = {"Origin": ORIGINS[self.sender.name], "Content-Type": "text/plain"}
        path = f"/clicks/{self.sender.name}"
        assert 204 == self.web.client.post(path, data=json.dumps(body), headers=headers).status_code

    def arrives(self) -> None:
        """Let the webhook come, and the worker look."""
        assert 200 == self.sender.send(self.web, json.dumps(self.order).encode()).status_code
        self.deliver()

    def deliver(self) -> None:
        """Let a worker do what is due."""
        worker = self.web.parts.worker()
        worker.client = self.api
        worker.drain()

    def user_data(self) -> dict[str, Any]:
        """Return the click identifiers of the one event that was sent."""
        (event,) = self.api.events
        names = ("aleid", "alart", "axwrt", "client_id", "sid")
        return {name: event["user_data"][name] for name in names if name in event["user_data"]}

    def row(self) -> dict[str, Any]:
        """Return the order's row."""
        return dict(self.web.rows()[str(self.order["id"])])

    def count(self, table: Any) -> int:
        """Return how many rows a table has."""
        with self.web.engine.connect() as connection:
            return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


@pytest.fixture
def house(web: Any, sender: Any, clock: Any) -> House:
    """Return it on each database, for each platform."""
    return House(web, sender, clock)


@pytest.fixture
def on_sqlite(web_on_sqlite: Any, sender: Any, clock: Any) -> House:
    """Return it on SQLite, for each platform."""
    return House(web_on_sqlite, sender, clock)


@pytest.fixture
def shopify_house(web_on_sqlite: Any, shopify: Any, clock: Any) -> House:
    """Return the one of Shopify."""
    return House(web_on_sqlite, shopify, clock)


@pytest.fixture
def woocommerce_house(web_on_sqlite: Any, woocommerce: Any, clock: Any) -> House:
    """Return the one of WooCommerce."""
    return House(web_on_sqlite, woocommerce, clock)


EVERYTHING = {"aleid": "click-1", "alart": "app-1", "axwrt": "browser-1", "client_id": "visitor-1", "sid": "s-1"}


def test_a_click_before_the_order(house: House) -> None:
    """Everything that was posted under the order's key stands in its event, which is sent at once."""
    house.click(**EVERYTHING)
    house.arrives()
    assert EVERYTHING == house.user_data()


def test_a_late_click_wakes_the_order(house: House) -> None:
    """An order without an identifier waits twenty seconds for one, and is sent at once when it comes."""
    house.arrives()
    assert ([], "pending", True) == (house.api.events, house.row()["state"], house.count(awaited_clicks) > 0)
    house.clock.advance(7)
    house.deliver()
    assert [] == house.api.events
    house.click(aleid="late")
    house.deliver()
    assert {"aleid": "late"} == house.user_data()
    assert "delivered" == house.row()["state"]


def test_no_click_ever(house: House) -> None:
    """After the twenty seconds it is sent without one."""
    house.arrives()
    house.clock.advance(19)
    house.deliver()
    assert [] == house.api.events
    house.clock.advance(1)
    house.deliver()
    assert {} == house.user_data()


def test_a_click_without_use_wakes_nothing_for_ever(house: House) -> None:
    """A click that brings no identifier wakes the order, which then waits for the rest of its time."""
    house.arrives()
    house.click(consent="granted")
    house.deliver()
    assert ([], "pending") == (house.api.events, house.row()["state"])
    house.clock.advance(20)
    house.deliver()
    assert {} == house.user_data()


def test_an_order_is_held_for_two_minutes_at_most(
    sqlite_engine: Any, make_web: Any, shopify: Any, clock: Any, tmp_path: Path
) -> None:
    """With the most that a mapping can say, the order is sent after exactly that; more is refused at start."""
    shipped = (Path(__file__).parents[2] / "mappings" / "shopify.toml").read_text()
    (tmp_path / "shopify.toml").write_text(shipped.replace("hold_seconds = 20", "hold_seconds = 120"))
    house = House(make_web(sqlite_engine, MAPPINGS_DIR=str(tmp_path)), shopify, clock)
    house.arrives()
    clock.advance(119)
    house.deliver()
    assert [] == house.api.events
    clock.advance(1)
    house.deliver()
    assert {} == house.user_data()
    (tmp_path / "shopify.toml").write_text(shipped.replace("hold_seconds = 20", "hold_seconds = 121"))
    with pytest.raises(ConfigurationRefused, match=r"orders\.hold_seconds: must be at most 120"):
        make_web(sqlite_engine, MAPPINGS_DIR=str(tmp_path))


WAYS = ["attribute", "posted before", "posted late", "posted under the browser's id"]


def refuse(house: House, way: str) -> None:
    """Let the buyer say no in one of the ways, and the order come in."""
    if way == "attribute":
        house.write("ad_consent", "denied")
    if way == "posted before":
        house.click(consent="denied")
    if way == "posted under the browser's id":
        house.write("_axon_client_id", "5f0c9e1b-browser")
        house.browse(client_id="5f0c9e1b-browser", consent="denied")
    house.arrives()
    if way == "posted late":
        house.click(consent="denied")
        house.deliver()


@pytest.mark.parametrize("way", WAYS)
def test_a_refusal_wins(house: House, way: str) -> None:
    """However a refusal comes: the order isn't sent, its clicks are deleted and its body is purged at once."""
    if way != "posted late":  # With a click the order wouldn't wait for anything.
        house.click(**EVERYTHING, consent="granted")
    refuse(house, way)
    house.clock.advance(200)
    house.deliver()
    row = house.row()
    assert ([], "skipped", "consent denied") == (house.api.events, row["state"], row["reason"].partition(":")[0])
    assert (None, None) == (row["body"], row["event"])
    found = house.web.parts.clicks.find(house.sender.name, [*house.key.items()])
    assert ((1, {"consent": "denied"}) if way == "posted late" else (0, {})) == (house.count(clicks), found)


@pytest.mark.parametrize("way", WAYS[:2])
def test_nothing_undoes_a_refusal(house: House, way: str) -> None:
    """Neither a newer body of the order nor a later yes makes it sent."""
    refuse(house, way)
    house.order["ad_consent"] = "granted"
    house.order["updated_at"] = house.order["date_modified_gmt"] = "2026-05-03T12:00:00"
    house.order["note_attributes"] = house.order["meta_data"] = []
    house.click(**EVERYTHING, consent="granted")
    house.arrives()
    house.clock.advance(200)
    house.deliver()
    assert ([], "skipped", None) == (house.api.events, house.row()["state"], house.row()["body"])


@pytest.mark.parametrize("way", ["posted", "posted under the browser's id"])
def test_a_refusal_after_the_event(house: House, way: str) -> None:
    """What was sent can't be called back; what is kept of it is purged at once, and the refusal alone is stored."""
    house.write("_axon_client_id", "5f0c9e1b-browser")
    house.click(**EVERYTHING)
    house.arrives()
    key = {"client_id": "5f0c9e1b-browser"} if way == "posted under the browser's id" else house.key
    house.browse(**key, consent="denied")
    row = house.row()
    assert ("delivered", None, None) == (row["state"], row["body"], row["event"])
    assert "consent denied: the buyer refused, after it was sent" == row["reason"]
    assert {"consent": "denied"} == house.web.parts.clicks.find(house.sender.name, [*key.items()])
    assert 1 == house.count(clicks)
    house.clock.advance(200)
    house.deliver()
    assert 1 == len(house.api.events)


@pytest.mark.parametrize("stamp", ["2026-05-03T12:00:00", None])
def test_a_refusal_in_an_order_that_was_sent(house: House, stamp: str | None) -> None:
    """A later body of the order that says no counts for that alone, also one that seems to be no newer."""
    house.click(**EVERYTHING)
    house.arrives()
    house.write("ad_consent", "denied")
    if stamp:
        house.order["updated_at"] = house.order["date_modified_gmt"] = stamp
    house.arrives()
    row = house.row()
    assert ("delivered", None, None, 1) == (row["state"], row["body"], row["event"], len(house.api.events))
    assert "consent denied: the buyer refused, after it was sent" == row["reason"]
    assert (0, 0) == (house.count(clicks), house.count(awaited_clicks))


def test_a_refusal_between_two_tries(on_sqlite: House) -> None:
    """An event that may have been accepted isn't sent a second time once the buyer has refused."""
    on_sqlite.api.verdict = Verdict.UNKNOWN
    on_sqlite.click(**EVERYTHING)
    on_sqlite.arrives()
    assert ("pending", 1) == (on_sqlite.row()["state"], len(on_sqlite.api.events))
    on_sqlite.click(consent="denied")
    on_sqlite.clock.advance(200)
    on_sqlite.deliver()
    row = on_sqlite.row()
    assert ("skipped", None, None, 1) == (row["state"], row["body"], row["event"], len(on_sqlite.api.events))
    assert "consent denied: the buyer refused; an earlier try may have been accepted" == row["reason"]


def test_a_refusal_while_the_event_is_under_way(on_sqlite: House) -> None:
    """A refusal that comes while the API is being asked ends the order before the next try."""
    on_sqlite.api.verdict = Verdict.UNKNOWN
    on_sqlite.api.meanwhile = lambda: on_sqlite.click(consent="denied")
    on_sqlite.click(**EVERYTHING)
    on_sqlite.arrives()
    on_sqlite.clock.advance(200)
    on_sqlite.deliver()
    row = on_sqlite.row()
    assert ("skipped", None, None, 1) == (row["state"], row["body"], row["event"], len(on_sqlite.api.events))


def test_the_order_itself_comes_first(house: House) -> None:
    """What stands in the order wins over what was posted; each identifier on its own."""
    house.write("_axon_event_id", "of-the-order")
    house.click(**EVERYTHING)
    house.arrives()
    assert {**EVERYTHING, "aleid": "of-the-order"} == house.user_data()


@pytest.mark.parametrize("junk", ["two words", "<script>", "x" * 513, "\N{GREEK SMALL LETTER ALPHA}", "a\x00b", "🛒"])
def test_a_malformed_value_is_passed_over(on_sqlite: House, junk: str) -> None:
    """What can't be an identifier isn't one: the next source is asked, and the order is sent in any case."""
    on_sqlite.write("_axon_event_id", junk)
    on_sqlite.click(aleid="stored")
    on_sqlite.arrives()
    assert {"aleid": "stored"} == on_sqlite.user_data()


def test_the_browsers_latest_click(house: House) -> None:
    """An order that names its browser gets that browser's latest click; what stands under its own key comes first."""
    house.write("_axon_client_id", "5f0c9e1b-browser")
    house.browse(client_id="5f0c9e1b-browser", aleid="older", alart="a")
    house.browse(client_id="5f0c9e1b-browser", aleid="newer")
    house.click(sid="s-1")
    house.arrives()
    expected = {"aleid": "newer", "alart": "a", "sid": "s-1"}
    assert expected == {name: house.user_data()[name] for name in expected}


def test_first_and_latest_values(on_sqlite: House) -> None:
    """Under the order's key the first value of each field stays, and a missing one is added."""
    on_sqlite.click(aleid="first", axwrt="w")
    on_sqlite.click(aleid="second", alart="added")
    on_sqlite.arrives()
    assert {"aleid": "first", "axwrt": "w", "alart": "added", "client_id": "w"} == on_sqlite.user_data()


def test_a_cut_landing_page(shopify_house: House) -> None:
    """An identifier that ends where Shopify cut the landing page isn't sent; the stored one is, and it is said."""
    whole = "/products/kettle?utm_campaign=" + "c" * 195 + "&aleid=0123456789abcdef0123456789abcdef"
    shopify_house.order["landing_site"] = whole[:255]
    shopify_house.click(aleid="0123456789abcdef0123456789abcdef")
    shopify_house.arrives()
    assert {"aleid": "0123456789abcdef0123456789abcdef"} == shopify_house.user_data()


@pytest.mark.parametrize(
    ("kept", "expected"),
    [
        ("ax-event-7", "ax-event-7"),
        ("Zm9vYmFyIGJhciBmb28", "stored"),
        ("Zm9vYmFyIGJhciBmb28x", "Zm9vYmFyIGJhciBmb28x"),
    ],
)
def test_deleted_escapes(woocommerce_house: House, kept: str, expected: str) -> None:
    """An identifier that WooCommerce can have taken characters out of is passed over for the stored one."""
    entry = f"https://woo.example/p/?utm_source=axon&aleid={kept}&utm_campaign=springsale"
    woocommerce_house.write("_wc_order_attribution_session_entry", entry)
    woocommerce_house.click(aleid="stored")
    woocommerce_house.arrives()
    assert {"aleid": expected} == woocommerce_house.user_data()


def test_another_shops_click(shopify_house: House) -> None:
    """The same key at another shop is another key."""
    shopify_house.web.client.post(
        "/clicks/woocommerce",
        json={**shopify_house.key, "aleid": "foreign"},
        headers={"Origin": ORIGINS["woocommerce"]},
    )
    shopify_house.arrives()
    shopify_house.clock.advance(20)
    shopify_house.deliver()
    assert {} == shopify_house.user_data()


def test_a_click_alone_makes_no_event(on_sqlite: House) -> None:
    """Whatever is posted, without an order nothing is sent."""
    on_sqlite.click(**EVERYTHING)
    on_sqlite.deliver()
    assert ([], {}) == (on_sqlite.api.events, on_sqlite.web.rows())
