"""The demo, played for real and in parts."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib.metadata import packages_distributions
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
import requests

from adapter.operations import demo
from adapter.operations.demo import processes, stage
from adapter.operations.demo.judging import Evidence, Line, Played, judge, unexpected
from adapter.operations.demo.orders_shopify import ShopifyOrder
from adapter.operations.demo.orders_woocommerce import WooCommerceOrder
from adapter.operations.demo.playing import Play
from adapter.operations.demo.processes import Processes, ProcessFailed, clean_environment, interruptible, wait_until
from adapter.operations.demo.shops import SHOPS, signature
from adapter.operations.demo.story import NOTHING, Delivery, Expected, Form, Story
from adapter.operations.demo.table import WIDTH, summary, table_lines

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
CODE = Path(demo.__file__).resolve().parents[3]
ALL = demo.stories()
DELIVERED = [story for story in ALL if story.expected.purchases]


def _environment(folder: Path) -> dict[str, str]:
    return {**clean_environment(folder, {}, os.environ), "TMPDIR": str(folder)}


def _named(name: str) -> Story:
    return next(story for story in ALL if name in story.name)


def _still_running(marker: Path) -> list[str]:
    """Return the commands of the processes that work in a folder below this one."""
    found: list[str] = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").resolve().is_relative_to(marker):
                found.append((process / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


_REFUSING = """
import sys
from importlib.machinery import PathFinder

class WhatOnlyTestsInstall:
    def find_spec(self, name, path=None, target=None):
        if name in {unlocked!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(sys.meta_path.index(PathFinder), WhatOnlyTestsInstall())
"""


def _with_locked_packages_alone(folder: Path) -> dict[str, str]:
    """Return variables under which Python, and every Python it starts, can't import what requirements.txt lacks."""
    locked = set(re.findall(r"^([a-z0-9-]+)[\[=]", (CODE / "requirements.txt").read_text(), re.MULTILINE))
    unlocked = {
        module
        for module, names in packages_distributions().items()
        if not locked & {re.sub(r"[-_.]+", "-", name).lower() for name in names}
    }
    refusing = _REFUSING.format(unlocked=unlocked - {"adapter"})
    (folder / "sitecustomize.py").write_text(refusing)
    return {"PYTHONPATH": str(folder)}


# Played for real


def test_without_what_only_tests_install_the_rest_is_there(tmp_path: Path) -> None:
    """A package of requirements.txt can be imported there, and one of the tests' own can't."""
    environment = {**os.environ, **_with_locked_packages_alone(tmp_path)}

    def imports(module: str) -> bool:
        command = [sys.executable, "-c", f"import {module}"]
        return not subprocess.run(command, env=environment, capture_output=True, check=False).returncode

    assert {"gunicorn": True, "packaging": True, "yaml": False, "pytest": False} == {
        module: imports(module) for module in ("gunicorn", "packaging", "yaml", "pytest")
    }


@pytest.mark.processes
def test_the_command_plays_everything_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """`adapter demo` exits with 0 after its table, with no process and no folder left.

    It has what requirements.txt names and nothing else: what only tests install isn't there on a host.
    """
    folder = tmp_path / "a folder"
    folder.mkdir()
    hostile = {"DATABASE_URL": "postgresql://nobody@203.0.113.1/none", "DYNO": "web.1", "AXON_API_URL": "nonsense"}

    done = subprocess.run(
        [sys.executable, "-m", "adapter", "demo"],
        cwd=CODE,
        env={**_environment(folder), **hostile, **_with_locked_packages_alone(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )

    assert 0 == done.returncode, done.stdout + done.stderr
    assert re.fullmatch(r"25 of 25 as expected, 17 purchases, [0-9.]+ s", done.stdout.splitlines()[-1])
    assert 25 == done.stdout.count("✓")
    assert [] == list(folder.iterdir())
    assert [] == _still_running(folder)


@pytest.mark.processes
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_an_interrupted_command_leaves_nothing_behind(number: int, tmp_path: Path) -> None:
    """Ctrl-C, SIGTERM and a closed terminal end every process and remove the folder."""
    output = tmp_path / "output"
    folder = tmp_path / "work"
    folder.mkdir()
    with output.open("wb") as file:
        running = subprocess.Popen(
            # pytest may run where SIGINT is ignored, and a child would inherit that.
            [sys.executable, "-c", _WITH_USUAL_SIGINT, "demo", "--stay"],
            cwd=CODE,
            env=_environment(folder),
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    assert wait_until(lambda: "starting the service" in output.read_text(), 30)
    assert wait_until(lambda: any("gunicorn" in command for command in _still_running(folder)), 30)

    running.send_signal(number)

    assert 1 == running.wait(25)
    assert [] == _still_running(folder)
    assert [] == list(folder.iterdir())


_WITH_USUAL_SIGINT = """
import signal
for number in (signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
from adapter.cli import main
main()
"""


@pytest.mark.processes
def test_broken_expectations_are_named_and_fail_the_demo() -> None:
    """A demo with wrong expectations isn't good, says which lines they are and shows the worker's log."""
    wrong_value = _named("#1001")
    wrong_value = replace(wrong_value, expected=replace(wrong_value.expected, value="105.74"))
    wrong_state = replace(_named("#7011"), expected=Expected(happened="skipped: cancelled"))
    wrong_answer = _named("#1011")
    wrong_answer = replace(wrong_answer, deliveries=(replace(wrong_answer.deliveries[0], answer="200 stored"),))
    wrong_click = _named("#1002")
    wrong_click = replace(wrong_click, click=replace(wrong_click.click, posted={"aleid": "no key"}))
    shown: list[str] = []
    unwanted = replace(_named("#1010"), expected=Expected(happened="200 stored, nothing stored"))

    good = demo.run(
        shown.append, played=(wrong_value, wrong_answer, wrong_click, _named("#1009"), unwanted, wrong_state)
    )

    assert not good
    assert "  ✗ expected value 105.74, got 105.75" in shown
    assert "  ✗ expected the answer 200 stored, got 401" in shown
    assert "  ✗ expected the answer 204 to the click, got 400" in shown
    assert "  ✗ expected skipped: cancelled, and it was skipped: unpaid" in shown
    assert "✗ the ledger holds an order that nobody expected: 5840000001010 of shopify-demo (skipped)" in shown
    assert "the end of the worker's log:" in shown
    assert shown[-1].startswith("1 of 6 as expected, 2 purchases, ")


@pytest.mark.processes
def test_a_wrong_state_in_between_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A story that goes on says when the ledger didn't show what it had to show until then."""
    monkeypatch.setattr("adapter.operations.demo.playing.REST_SECONDS", 2.5)
    shown: list[str] = []

    good = demo.run(shown.append, played=(replace(_named("#7009"), between="quarantined: never"),))

    assert not good
    assert "  ✗ expected at first quarantined: never, and it was skipped: unpaid" in shown


@pytest.mark.processes
def test_staying_shows_addresses_that_answer() -> None:
    """While the demo stays, service and sandbox answer at the printed addresses; afterwards neither does."""
    shown: list[str] = []
    answers: list[int] = []

    def stay() -> None:
        addresses = re.findall(r"(?:service|sandbox) +(http://\S+)", "\n".join(shown[-5:]))
        answers.extend(
            requests.get(url.replace("/received", "/received/count"), timeout=5).status_code
            for url in (f"{addresses[0]}/readyz", addresses[1])
        )

    good = demo.run(shown.append, played=(_named("#1001"), _named("#1008"), _named("#7008")), stay=stay)

    assert good
    assert [200, 200] == answers
    folder = Path(re.findall(r"working in (.*)", shown[0])[0])
    assert not folder.exists()
    assert [] == _still_running(folder)


@pytest.mark.processes
def test_a_service_that_ends_is_explained_by_its_log(tmp_path: Path) -> None:
    """When the service is gone, the error names it and shows the end of its log."""
    with stage.set_up(tmp_path, lambda _: None) as built:
        service = built.processes.named("service")
        service.popen.kill()
        service.popen.wait()

        with pytest.raises(ProcessFailed, match=r"(?s)service: it ended with status -9.*the end of its log") as failed:
            Play(built, lambda _: None).perform([_named("#1001")])

    assert "Listening at" in str(failed.value)


def test_waiting_forever_ends_with_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while the demo stays is its normal end."""
    monkeypatch.setattr("adapter.operations.demo.Event", _Interrupted)

    assert demo.until_interrupted() is None


class _Interrupted:
    def wait(self) -> None:
        raise KeyboardInterrupt


# Processes


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Processes]:
    """Return processes in a folder with two modules: one fails at once, one ends only when it is killed."""
    (tmp_path / "fails.py").write_text("print('why it failed', flush=True)\nraise SystemExit(3)\n")
    (tmp_path / "stubborn.py").write_text(
        "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print('ready', flush=True)\ntime.sleep(60)\n"
    )
    with Processes(tmp_path, clean_environment(tmp_path, {}, os.environ)) as running:
        yield running


def test_a_failed_process_is_named_with_its_log(started: Processes) -> None:
    """The error of a process that failed has its name, its status and the end of what it printed."""
    with pytest.raises(ProcessFailed, match=r"first: it ended with status 3; the end of its log:\n  why it failed"):
        started.finish(started.start("first", "fails"))


def test_a_process_that_should_run_is_missed(started: Processes) -> None:
    """A process that has ended is found by the check of all."""
    first = started.start("first", "fails")
    first.popen.wait(20)

    with pytest.raises(ProcessFailed, match="first: it ended with status 3"):
        started.check()


def test_a_process_that_takes_too_long_is_given_up(started: Processes) -> None:
    """A process that doesn't end in time is an error with its log."""
    slow = started.start("slow", "stubborn")
    assert wait_until(lambda: "ready" in slow.log.read_text(), 20)

    with pytest.raises(ProcessFailed, match=r"slow: it didn't end within 0 s; the end of its log:\n  ready"):
        started.finish(slow, seconds=0.1)
    slow.popen.kill()


def test_a_process_that_ignores_sigterm_is_killed(started: Processes, monkeypatch: pytest.MonkeyPatch) -> None:
    """What doesn't end by itself in time is killed."""
    monkeypatch.setattr(processes, "STOP_SECONDS", 0.2)
    stubborn = started.start("stubborn", "stubborn")
    assert wait_until(lambda: "ready" in stubborn.log.read_text(), 20)

    started.stop()

    assert -signal.SIGKILL == stubborn.popen.returncode


@pytest.fixture(params=[signal.SIGTERM, signal.SIGHUP])
def number(request: pytest.FixtureRequest) -> Iterator[int]:
    """Yield a signal that isn't ignored: under nohup it would be, and rightly stay so."""
    former = signal.signal(request.param, signal.SIG_DFL)
    yield request.param
    signal.signal(request.param, former)


def test_an_interruption_in_the_moment_of_a_start_ends_that_process_too(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signal that comes when the process runs and isn't listed yet takes effect once it is listed."""
    born: list[subprocess.Popen[bytes]] = []

    class Interrupted(subprocess.Popen[bytes]):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            born.append(self)
            os.kill(os.getpid(), number)

    monkeypatch.setattr(subprocess, "Popen", Interrupted)
    environment = clean_environment(tmp_path, {}, os.environ)

    with pytest.raises(KeyboardInterrupt), interruptible(), Processes(tmp_path, environment) as running:
        running.start("waiting", "http.server", "0", "--bind", "127.0.0.1")

    assert [-signal.SIGTERM] == [process.returncode for process in born]


def test_only_harmless_variables_are_passed_on(tmp_path: Path) -> None:
    """The caller's database, secrets and host never reach the demo's processes, and neither does the home."""
    caller = {
        "PATH": "/bin",
        "HOME": "/nonexistent",
        "DATABASE_URL": "postgresql://somewhere",
        "SECRET_KEY": "a",
        "DYNO": "web.1",
        "PYTHONPATH": "/elsewhere",
    }

    made = clean_environment(tmp_path, {"DATABASE_URL": "sqlite:///ours.db"}, caller)

    assert {
        "PATH": "/bin",
        "PYTHONPATH": f"{CODE}:/elsewhere",
        "PYTHONUNBUFFERED": "1",
        "PYTHONUTF8": "1",
        "HOME": str(tmp_path),
        "DATABASE_URL": "sqlite:///ours.db",
    } == made


def test_sigterm_interrupts_within_the_block_only() -> None:
    """Inside the block SIGTERM is an interrupt; afterwards the former action is back."""
    before = signal.getsignal(signal.SIGTERM)

    with pytest.raises(KeyboardInterrupt), interruptible():
        os.kill(os.getpid(), signal.SIGTERM)

    assert before is signal.getsignal(signal.SIGTERM)


def test_an_ignored_signal_stays_ignored() -> None:
    """What nohup told us to ignore is still ignored within the block."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interruptible():
            os.kill(os.getpid(), signal.SIGHUP)
            assert signal.SIG_IGN is signal.getsignal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_waiting_gives_up() -> None:
    """Waiting for what never comes ends with False."""
    assert not wait_until(lambda: False, 0.05)


def test_a_stage_without_servers_says_who_is_missing(started: Processes, tmp_path: Path) -> None:
    """A service or sandbox that runs but doesn't answer is named."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{taken.getsockname()[1]}"
        service, sandbox = started.start("service", "stubborn"), started.start("sandbox", "stubborn")
        with requests.Session() as session:
            built = stage.Stage(started, tmp_path, nowhere, nowhere, session, service)

            with pytest.raises(ProcessFailed, match="service: it gave no answer to POST /webhooks/x"):
                built.post("/webhooks/x", b"", {})
            with pytest.raises(ProcessFailed, match="sandbox: it gave no answer to GET /received"):
                built.received()
            assert not stage._answers(session, nowhere)  # The only way to see it refuse without half a minute.
    for process in (service, sandbox):
        process.popen.kill()


def test_a_server_that_is_never_ready_is_given_up(started: Processes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that runs and never gets ready is an error after the time for it."""
    monkeypatch.setattr(stage, "READY_SECONDS", 0.1)
    stubborn = started.start("sandbox", "stubborn")

    with pytest.raises(ProcessFailed, match="sandbox: it isn't ready after 0 s"):
        stage._wait_for(stubborn, lambda: False)  # As above.
    stubborn.popen.kill()


# Stories


@pytest.mark.parametrize(("shop", "least"), [("shopify-demo", 6), ("woocommerce-demo", 6)])
def test_each_platform_has_enough_stories(shop: str, least: int) -> None:
    """Each shop sends at least six orders that become purchases, and some that don't."""
    of_shop = [story for story in ALL if story.shop == shop]

    assert least <= sum(story.expected.purchases for story in of_shop)
    assert {"401, nothing stored", "skipped: test"} <= {story.expected.happened for story in of_shop}


def test_every_order_is_another_one() -> None:
    """No two stories share an order of one shop."""
    assert len(ALL) == len({(story.shop, story.order_id) for story in ALL})


@pytest.mark.parametrize("story", DELIVERED, ids=lambda story: story.name)
def test_expectations_add_up_to_the_stated_total(story: Story) -> None:
    """Value, tax and shipping, worked out by hand, are together the total that the platform states."""
    document = (story.later or story.deliveries)[-1].body.document(NOW)  # type: ignore[union-attr]
    expected = story.expected
    shown = document.get("total_price_set", {}).get("presentment_money", {})

    stated = shown.get("amount") or document["total"]
    assert Decimal(stated) == Decimal(expected.value) + Decimal(expected.tax) + Decimal(expected.shipping)
    assert (shown.get("currency_code") or document["currency"]) == expected.currency


@pytest.mark.parametrize("story", [story for story in ALL if story.order_id], ids=lambda story: story.name)
def test_the_people_are_invented(story: Story) -> None:
    """Addresses stand under example.com and in the documentation range of IP addresses."""
    document = story.deliveries[0].body.document(NOW)  # type: ignore[union-attr]
    email = document.get("email") or document["billing"]["email"]
    ip = document.get("browser_ip") or document.get("customer_ip_address") or "203.0.113.0"

    assert email.endswith("@example.com")
    assert ip_address(ip) in ip_network("203.0.113.0/24")


def test_shopify_dates_have_the_shops_offset() -> None:
    """Shopify writes dates with the shop's own offset, seconds before now."""
    document = _order("#1001", ShopifyOrder).document(NOW)

    assert "2026-05-01T21:59:51+10:00" == document["processed_at"]
    assert "2026-05-01T21:59:55+10:00" == document["updated_at"]


def test_woocommerce_dates_have_no_offset() -> None:
    """WooCommerce writes dates without an offset, local ones and GMT beside them."""
    document = _order("#7001", WooCommerceOrder).document(NOW)

    assert "2026-05-01T12:59:51" == document["date_created"]
    assert "2026-05-01T11:59:51" == document["date_created_gmt"]
    assert "2026-05-01T11:59:55" == document["date_paid_gmt"]
    assert document["date_completed_gmt"] is None


def _order(name: str, kind: type) -> Any:
    body = _named(name).deliveries[0].body
    assert isinstance(body, kind)
    return body


def test_a_body_is_signed_as_the_platforms_do() -> None:
    """The signature is base64 of HMAC-SHA256 over the raw body; the value is openssl's."""
    assert "NBdAGIfyqc2/+0BjQBF95P4FOET1p4Q4r90nA66mbkk=" == signature(b'{"id":1}', "Demo5ecretOfLettersAndDigitsOnly")


def test_woocommerce_reuses_its_delivery_id_within_a_second() -> None:
    """Two deliveries in one second have the same X-WC-Webhook-Delivery-ID and different bodies."""
    shop = SHOPS["woocommerce-demo"]
    first, second = (shop.parcel(delivery, NOW) for delivery in _named("#7007").deliveries)

    assert first.headers["X-WC-Webhook-Delivery-ID"] == second.headers["X-WC-Webhook-Delivery-ID"]
    assert ("created", "updated") == (first.headers["X-WC-Webhook-Event"], second.headers["X-WC-Webhook-Event"])
    assert first.body != second.body


def test_a_ping_is_a_form_without_a_signature() -> None:
    """WooCommerce's set-up ping has no X-WC header at all."""
    parcel = SHOPS["woocommerce-demo"].parcel(Delivery(topic="", body=Form("webhook_id=3"), answer=""), NOW)

    assert b"webhook_id=3" == parcel.body
    assert {"Content-Type", "User-Agent"} == set(parcel.headers)


# Judging, on evidence as the sandbox and `adapter orders --json` show it


STORY = Story(
    shop="shopify-demo",
    order_id="77",
    name="#77 a story",
    deliveries=(),
    expected=Expected(
        happened="delivered",
        value="10.00",
        tax="2",
        shipping="0",
        currency="EUR",
        clicks={"aleid": "a"},
        buyer=frozenset({"email", "ip"}),
        purchases=1,
    ),
)


def _event(**changes: Any) -> dict[str, Any]:
    event = {
        "name": "purchase",
        "data": {"value": Decimal("10.0"), "tax": 2, "shipping": 0, "currency": "EUR"},
        "user_data": {"aleid": "a", "email": "hash", "client_ip_address": "203.0.113.9", "esi": "web"},
    }
    return {
        "dedupe_id": "77",
        "pixel_id": "demo-pixel-shopify",
        "outcome": "accepted",
        "at": (NOW + timedelta(milliseconds=345)).isoformat(),
        "remarks": [],
        "event": {**event, **changes.pop("event", {})},
        **changes,
    }


def _evidence(*events: Mapping[str, Any], ledger: tuple[Mapping[str, Any], ...] = (), **changes: Any) -> Evidence:
    received = {"events": events, "batches": [{"status": 200, "reason": None}], "purchases": len(events), **changes}
    return Evidence(received=received, ledger=ledger)


def _row(**changes: Any) -> dict[str, Any]:
    return {"shop": "shopify-demo", "order": "77", "state": "delivered", "reason": None, **changes}


def _judge(evidence: Evidence, story: Story = STORY, answer: str = "200 stored") -> Line:
    return judge(Played(story=story, sent_at=NOW, answer=answer), evidence)


def test_a_purchase_as_expected_has_no_problem() -> None:
    """Equal amounts are equal however they are written; the time counts from the webhook to the sandbox."""
    line = _judge(_evidence(_event()))

    assert () == line.problems
    assert 345 == line.milliseconds
    assert ("aleid", "email", "ip") == line.identifiers


@pytest.mark.parametrize(
    ("event", "problem"),
    [
        ({"remarks": ["data.value is 1"]}, "the sandbox remarks: data.value is 1"),
        ({"outcome": "merged"}, "the sandbox received it again (merged)"),
        ({"event": {"name": "page_view"}}, "expected purchase events: 1, got 0"),
        (
            {"event": {"data": {"value": 9, "tax": 2, "shipping": 0, "currency": "EUR"}}},
            "expected value 10.00, got 9",
        ),
        (
            {"event": {"data": {"value": 10, "tax": None, "shipping": 0, "currency": "EUR"}}},
            "expected tax 2, got None",
        ),
        (
            {"event": {"data": {"value": 10, "tax": 2, "shipping": 0, "currency": "USD"}}},
            "expected currency EUR, got USD",
        ),
        (
            {"event": {"user_data": {"aleid": "b", "email": "h", "client_ip_address": "i"}}},
            "expected click identifiers aleid=a, got aleid=b",
        ),
        ({"event": {"user_data": {"aleid": "a", "phone": "h"}}}, "expected of the buyer email ip, got phone"),
    ],
)
def test_each_difference_is_a_problem(event: dict[str, Any], problem: str) -> None:
    """Whatever differs in what the sandbox received is named with what was expected."""
    assert (problem,) == _judge(_evidence(_event(**event))).problems


def test_a_purchase_that_comes_twice_is_a_problem() -> None:
    """Two purchase events of one order are one too many."""
    assert ("expected purchase events: 1, got 2",) == _judge(_evidence(_event(), _event())).problems


@pytest.mark.parametrize(
    ("ledger", "answer", "happened"),
    [
        ((_row(state="skipped", reason="test: paid with a test payment"),), "200 stored", "skipped: test"),
        ((_row(state="pending"),), "200 stored", "pending"),
        ((_row(order="78"), _row(shop="other")), "401", "401, nothing stored"),
    ],
)
def test_without_a_purchase_the_ledger_tells(
    ledger: tuple[Mapping[str, Any], ...], answer: str, happened: str
) -> None:
    """An order that the sandbox never saw is what the ledger says, or else nothing stored."""
    story = replace(STORY, expected=Expected(happened=happened))

    line = _judge(_evidence(ledger=ledger), story, answer)

    assert happened == line.happened
    assert () == line.problems


def test_what_nobody_expected_is_found() -> None:
    """Events, rows, refused batches and totals beyond the stories are all named."""
    evidence = _evidence(
        _event(),
        _event(dedupe_id="78"),
        ledger=(_row(), _row(order="78")),
        batches=[{"status": 400, "reason": "events[0]: …"}],
    )

    assert [
        "the sandbox received an event that nobody expected: 78 for demo-pixel-shopify",
        "the ledger holds an order that nobody expected: 78 of shopify-demo (delivered)",
        "the sandbox answered a batch with 400: events[0]: …",
        "expected 1 purchases in all, the sandbox counted 2",
    ] == list(unexpected([STORY], evidence))


def test_nothing_unexpected_is_nothing() -> None:
    """Exactly the expected purchase and row leave nothing to say."""
    assert [] == list(unexpected([STORY], _evidence(_event(), ledger=(_row(),))))


# The table


def test_the_table_fits_and_says_what_was_expected() -> None:
    """Every row fits 100 columns, long cells go on below, and problems stand under their row."""
    good = _judge(_evidence(_event()))
    problem = "a problem " * 12
    bad = Line(story=replace(STORY, shop="woocommerce-demo"), happened="200 ping, nothing stored", problems=(problem,))

    rows = list(table_lines([good, bad]))

    assert (
        "#77 a story            delivered         10.0      2        0 EUR      aleid email ip          345 ✓" in rows
    )
    assert (
        "#77 a story            200 ping,                                                                   ✗" in rows
    )
    assert "                       nothing" in rows
    assert any(row.startswith("  ✗ a problem") for row in rows)
    assert all(WIDTH >= len(row) for row in rows)
    assert ["Shopify (shopify-demo)", "WooCommerce (woocommerce-demo)"] == [row for row in rows if "-demo)" in row]


def test_the_summary_counts() -> None:
    """The last line counts what is as expected, the purchases and the seconds."""
    good = _judge(_evidence(_event()))
    bad = Line(story=STORY, happened="pending", problems=("late",), clicks=NOTHING)

    assert "1 of 2 as expected, 1 purchases, 7.3 s" == summary([good, bad], 7.25001)
