"""K1–K3: a flood of clicks, guesses at other buyers' keys, and origins that look like the shop's."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from http.client import HTTPConnection
from itertools import count
from random import Random
from typing import Any

import pytest
from campaigns import flood
from campaigns.databases import SECRET_KEY, opened
from campaigns.orders import signed
from campaigns.pulse import Pulse, beating
from campaigns.table import Row
from campaigns.world import World
from sqlalchemy import Engine, func, insert, select

from adapter.storage.clicks import Clicks
from adapter.storage.eviction import MOST_ROWS
from adapter.storage.sealing import Sealer
from adapter.storage.tables import clicks as table

Scale = Callable[[int, int], int]

ORDERS_A_SECOND = 30

ROUNDS = 3
"""So often it is quiet for a while, then a spring flood comes and then a flood: all of them see the same machine."""

FLOOD = {"connections": 32, "pace": 200}
"""A flood of ten times what two web processes let in for good; a million tokens are 21 minutes of it."""

SPRING_FLOOD = {"connections": 64, "pace": 0}
"""As many as are answered: it takes all that the machine has, and most of that to make it."""

MEDIAN_RATIO, P99_RATIO = 1.2, 2.0
"""How many times as long an order may take in a flood as in the quiet; asked of the whole campaign alone. Of so few
orders the slowest hundredth are some five; over minutes theirs was 1.13 on PostgreSQL, 1.27 on SQLite."""

SLOWEST_SECONDS = 1.0
"""What 99 of a hundred orders may take at most in a spring flood."""

_SHOP = "https://shopify.example"


@pytest.mark.alone
@pytest.mark.databases(cut="sqlite")
def test_a_flood_of_clicks(world: World, row: Row, scale: Scale) -> None:
    """K1: clicks with new keys from 10,000 forged addresses, on a full table: it stays bounded, and orders come in."""
    row.named("K1 click flood", "1 M tokens, 10,000 forged addresses: rows ≤ 200,000, webhook p99 ±20 %")
    world.start_web(TRUSTED_PROXIES="1")
    world.start_worker()
    with opened(world.database) as engine:
        _fill(engine, scale(0, MOST_ROWS - 500), world.random)
        tide = _Tide(world, engine, row.seed)
        for _ in range(scale(1, ROUNDS)):
            tide.ebb(scale(2, 5))
            tide.flood(tide.drowned, scale(0, 4), **SPRING_FLOOD)  # It uses up what may come at once.
            tide.flood(tide.flooded, scale(3, 5), **FLOOD)
    world.come_to_rest()
    found = world.check(*tide.pulses())
    found.add("K1: more rows than the bound", [tide.most] if tide.most > MOST_ROWS else [])
    found.add("K1: answered otherwise", set(tide.answers) - {"204", "429", "503"})
    found.add("K1: nothing was taken", [tide.answers] if not tide.answers["204"] else [])
    found.add("K1: an order wasn't taken at once", [order.id for pulse in tide.pulses() for order in pulse.refused()])
    found.add("K1: orders were slow", tide.slow() if scale(0, 1) else [])
    posted = sum(tide.answers.values())
    row.take(
        found,
        trials=4 * posted,
        faults=posted,
        scaled=f"{4 * posted:,} of 1,000,000 tokens in {posted:,} posts {dict(tide.answers)}, at most {tide.most:,} "
        f"rows; {tide.times()}",
    )


class _Tide:
    """Orders in the quiet, in a flood of clicks, and in a spring flood; `most` is the most rows that there were."""

    def __init__(self, world: World, engine: Engine, seed: int) -> None:
        self.most = 0
        self.answers: Counter[str] = Counter()
        self.quiet: list[Pulse] = []
        self.flooded: list[Pulse] = []
        self.drowned: list[Pulse] = []
        self._world, self._engine, self._seed = world, engine, seed

    def pulses(self) -> list[Pulse]:
        """Return all that were sent."""
        return [*self.quiet, *self.flooded, *self.drowned]

    def ebb(self, seconds: float) -> None:
        """Send orders alone for so long."""
        until = time.monotonic() + seconds
        with beating(self._world.port, self._world.orders, ORDERS_A_SECOND) as pulse:
            self._watch(lambda: time.monotonic() < until)
        self.quiet.append(pulse)

    def flood(self, into: list[Pulse], seconds: float, connections: int, pace: int) -> None:
        """Send orders while clicks flood in for so long."""
        if not seconds:
            return
        self._seed += connections
        flooding = flood.start(self._world.port, seconds + 1, self._seed, connections, pace)
        time.sleep(1)  # It takes nearly so long to begin.
        with beating(self._world.port, self._world.orders, ORDERS_A_SECOND) as pulse:
            self._watch(lambda: flooding.poll() is None)
        self.answers += Counter(flood.end_of(flooding, 30))
        self.most = max(self.most, _count(self._engine))
        into.append(pulse)

    def _watch(self, goes_on: Callable[[], bool]) -> None:
        """Count the rows once a second, in the quiet as in a flood: that alone costs PostgreSQL up to 50 ms."""
        began = time.monotonic()
        for second in count(1):
            while goes_on() and time.monotonic() < began + second:
                time.sleep(0.05)
            if not goes_on():
                return
            self.most = max(self.most, _count(self._engine))

    def slow(self) -> list[str]:
        """Return in words what took too long."""
        ratios = ((0.5, MEDIAN_RATIO), (0.99, P99_RATIO))
        grown = [
            self.times() for share, most in ratios if _share(self.flooded, share) > most * _share(self.quiet, share)
        ]
        return [*grown, *([self.times()] if _share(self.drowned, 0.99) > SLOWEST_SECONDS else [])]

    def times(self) -> str:
        """Return how long half of the orders took at most, and 99 of a hundred, in each of the three."""
        kinds = ((self.quiet, "quiet"), (self.flooded, "flood"), (self.drowned, "spring flood"))
        shares = [(name, _share(some, 0.5) * 1000, _share(some, 0.99) * 1000) for some, name in kinds if some]
        return ", ".join(f"{name}: median {median:.1f} ms, p99 {p99:.1f} ms" for name, median, p99 in shares)


def _share(pulses: list[Pulse], share: float) -> float:
    """Return the seconds within which that share of the orders was answered."""
    seconds = sorted(beat.seconds for pulse in pulses for beat in pulse.beats)
    return seconds[int(len(seconds) * share)]


def _fill(engine: Engine, rows: int, random: Random) -> None:
    """Store so many clicks at once, as a flood of before has left them."""
    now = datetime.now(UTC)
    for start in range(0, rows, 10_000):
        values = [
            {
                "key": random.randbytes(32),
                "shop": "shopify",
                "identifiers": random.randbytes(300),
                "first_at": now,
                "last_at": now,
                "changed_uptime": 0,
            }
            for _ in range(min(10_000, rows - start))
        ]
        with engine.begin() as connection:
            connection.execute(insert(table), values)
    if engine.dialect.name == "postgresql":
        _settle(engine)


def _settle(engine: Engine) -> None:
    """Have PostgreSQL do now what it would have done long ago, and not while orders are timed."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("SET statement_timeout = 0")
        connection.exec_driver_sql("VACUUM (ANALYZE) clicks")
        connection.exec_driver_sql("CHECKPOINT")
        connection.exec_driver_sql("RESET statement_timeout")


def _count(engine: Engine) -> int:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


VICTIMS = 50


@pytest.mark.databases(cut="sqlite")
def test_guessed_keys(world: World, row: Row, scale: Scale) -> None:
    """K2: neither guesses nor rewrites change a first value or learn anything, and malformed ids stop no order."""
    row.named("K2 guessed and rewritten clicks", "10^6 guesses: 0 reads, 0 overwrites of a first value")
    guesses, asked = scale(300, 20_000), scale(60, 300)
    world.start_web()
    world.start_worker()
    with opened(world.database) as engine:
        clicks = Clicks(engine, Sealer([SECRET_KEY]))
        victims = {f"{world.random.getrandbits(128):032x}": f"click-{number}" for number in range(VICTIMS)}
        for token, aleid in victims.items():
            clicks.remember("shopify", [("checkout_token", token)], {"aleid": aleid}, datetime.now(UTC))
        answers = set(_guesses_by_post(world, victims, asked))
        _guess(clicks, world.random, guesses)
        taken_over = [
            token
            for token, aleid in victims.items()
            if clicks.find("shopify", [("checkout_token", token)]).get("aleid") != aleid
        ]
    driver = world.driver()
    driver.send(_with_malformed_ids(world, scale(40, 500)))
    driver.finish(60)
    world.come_to_rest()
    found = world.check(driver)
    found.doubled += found.add("K2: a first value was overwritten", taken_over)
    found.add("K2: the answer tells whether the key was there", answers if len(answers) != 1 else [])
    row.take(
        found,
        trials=guesses + asked,
        faults=0,
        scaled=f"{guesses:,} guesses, {asked} posts, {scale(40, 500)} orders with malformed ids",
    )


def _guesses_by_post(world: World, victims: dict[str, str], count: int) -> Iterator[tuple[int, bytes, str]]:
    """Post under the victims' own keys, which can't be guessed, and under guessed ones; return each answer."""
    tokens = list(victims)
    names = ("Content-Type", "Content-Length", "Set-Cookie", "Access-Control-Allow-Origin", "Vary", "Retry-After")
    with closing(HTTPConnection("127.0.0.1", world.port, timeout=10)) as connection:
        for number in range(count):
            known = number < 2 * VICTIMS and number % 2 == 0
            token = tokens[number // 2] if known else f"{world.random.getrandbits(128):032x}"
            status = 429
            while status == 429:  # One who guesses is slow, too.
                body = json.dumps({"checkout_token": token, "aleid": "intruder", "consent": None}).encode()
                headers = {"Origin": _SHOP, "User-Agent": "Intruder/1.0", "Connection": "close"}
                connection.request("POST", "/clicks/shopify", body=body, headers=headers)
                answer = connection.getresponse()
                status, said = answer.status, answer.read()
                time.sleep(0.5 if status == 429 else 0)
            yield status, said, str([answer.headers.get_all(name) for name in names])


_AT_ONCE = 40


def _guess(clicks: Clicks, random: Random, count: int) -> None:
    """Store under guessed keys of every kind, from two threads, past the limits and many in one transaction."""

    def remember(start: int) -> None:
        keys = [(_KINDS[number % 4], tokens[number]) for number in range(start, min(start + _AT_ONCE, count))]
        clicks.remember("shopify", keys, {"aleid": "intruder"}, datetime.now(UTC))

    tokens = [f"{random.getrandbits(128):032x}" for _ in range(count)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(remember, range(0, count, _AT_ONCE)))


_KINDS = ("checkout_token", "cart_token", "order_key", "client_id")
_MALFORMED = (
    *(
        "",
        " ",
        "two words",
        "<script>alert(1)</script>",
        "' OR 1=1 --",
        "x" * 5000,
        "\N{GREEK SMALL LETTER ALPHA}",
        "a\nb",
    ),
    *("{{7*7}}", "../../etc/passwd", 7, None, True, ["a"], {"a": 1}, 1.5),
)


def _with_malformed_ids(world: World, count: int) -> Iterator[Any]:
    """Return orders whose cart attributes and meta hold what no identifier is."""
    for number in range(count):
        order = world.orders.next()
        document = json.loads(order.body)
        value = _MALFORMED[number % len(_MALFORMED)]
        names = ("_axon_event_id", "_axon_client_id", "_axon_alart", "_order_adapter_id")
        place, key = ("note_attributes", "name") if order.shop == "shopify" else ("meta_data", "key")
        document[place] = [{key: name, "value": value} for name in names]
        document["landing_site"] = f"/?aleid={value}"
        yield signed(order.shop, document, currency=order.currency, value=order.value)


def test_origins(world: World, row: Row, scale: Scale) -> None:
    """K3: of two hundred origins that look like the shop's only its own is allowed, and only that with cookies."""
    row.named("K3 origins", "200 origins: 0 wrong Allow-Origin, never with credentials")
    world.start_web()
    world.start_worker()
    origins = _origins(world.random)
    wrong: list[str] = []
    asked = 0
    with closing(HTTPConnection("127.0.0.1", world.port, timeout=10)) as connection:
        for origin in origins:
            for method in ("POST", "OPTIONS"):
                for cookies in ({}, {"Cookie": "a=1"}):
                    asked += 1
                    wrong += _asked(connection, method, origin, cookies)
    driver = world.driver()
    driver.send(world.orders.many(scale(4, 20)))
    driver.finish(30)
    world.come_to_rest()
    found = world.check(driver)
    found.add("K3: a wrong answer", wrong)
    assert 200 <= len(origins)
    row.take(
        found, trials=asked, faults=0, scaled=f"{len(origins)} origins, POST and OPTIONS, with and without cookies"
    )


def _asked(connection: HTTPConnection, method: str, origin: str, cookies: dict[str, str]) -> Iterator[str]:
    """Ask under an origin; say what was wrong with the answer."""
    body = json.dumps({"checkout_token": "k3-c0ffee", "aleid": "a"}).encode() if method == "POST" else b""
    connection.request(method, "/clicks/shopify", body=body, headers={"Origin": origin, **cookies})
    answer = connection.getresponse()
    answer.read()
    if answer.getheader("Connection", "").lower() == "close":
        connection.close()
    allowed, credentials = (answer.getheader(f"Access-Control-Allow-{name}") for name in ("Origin", "Credentials"))
    is_shop, is_null = origin == _SHOP, origin == "null"
    expected = (origin if is_shop or is_null else None, "true" if is_shop else None)
    may_post = is_shop or (is_null and not cookies)
    status = 204 if method == "OPTIONS" or may_post else 403
    if (answer.status, allowed, credentials) != (status, *expected):
        yield f"{method} {origin!r} {cookies}: {answer.status}, {allowed}, {credentials}"
    if answer.getheader("Vary") != "Origin":
        yield f"{method} {origin!r}: Vary is {answer.getheader('Vary')}"


def _origins(random: Random) -> list[str]:
    """Return the shop's origin, null, and what looks like them: 200 altogether."""
    host = "shopify.example"
    fronts = ("www.", "a.", "evil", "-", ".", "x@", "evil.example@", "%", "*.")
    ends = (
        ".",
        "/",
        "/a",
        "?",
        "#",
        ".evil.example",
        "@evil.example",
        "%00",
        "evil",
        ",https://evil.example",
        " null",
    )
    schemes = ("http", "HTTPS", "ftp", "file", "wss", "https:", "chrome-extension")
    tricks = [f"https://{host}:{port}" for port in (80, 443, 444, 8443, 0, 65535, 99999)]
    tricks += [f"{scheme}://{host}" for scheme in schemes]
    tricks += [f"https://{front}{host}" for front in fronts]
    tricks += [f"https://{host}{end}" for end in ends]
    tricks += [
        "https://shopify-example",
        "https://shopifyXexample",
        "https://SHOPIFY.example",
        "https://",
        "https:",
        "*",
    ]
    tricks += ["NULL", "Null", "null,null", "undefined", "https://null", "file://", "about:blank", "https://[::1]"]
    tricks += ["https://woocommerce.example", "https://xn--shopify-.example", "https://127.0.0.1", "https://example"]
    while len(tricks) < 198:
        place, letter = random.randrange(len(host)), random.choice("abcdefghijklmnopqrstuvwxyz0123456789-.")
        changed = host[:place] + letter + host[place + random.randrange(2) :]
        tricks += [f"https://{changed}"] if changed != host else []
    return [_SHOP, "null", *tricks]
