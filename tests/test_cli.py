"""The `adapter` command: exit codes, what stands on stdout and stderr, for people and for programs."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pytest
import structlog

from adapter import __version__, cli
from adapter.axon.sandbox import Sandbox
from adapter.operations import demo as demonstration
from adapter.storage.arrivals import Receipt
from adapter.storage.destinations import Condition, DestinationState
from adapter.storage.pulse import Pulse
from adapter.storage.tables import State
from adapter.wiring import Parts, load_configuration

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "tests" / "samples"
SECRET = "shpss_4f8a1c0e9b7d2a63"
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
KEY = "a-secret-of-tests-with-32-characters-or-more"
MIGRATED = "the database is up to date\n"


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., Any]]:
    """Return what runs a command and gives its exit code, stdout and stderr; one Shopify shop is on."""
    environment = {
        "MAPPINGS_DIR": str(ROOT / "mappings"),
        "DATABASE_URL": f"sqlite:///{tmp_path}/adapter.db",
        "SECRET_KEY": KEY,
        "SHOPIFY_WEBHOOK_SECRET": SECRET,
        "SHOPIFY_SITE_URL": "https://shop.example",
        "AXON_PIXEL_ID": "pixel",
        "AXON_API_KEY": "key",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def ran(*arguments: str, stdin: bytes = b"", **changes: str) -> Any:
        for name, value in changes.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["adapter", *arguments])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as ended:
            cli.main()
        shown = capfd.readouterr()
        return SimpleNamespace(code=ended.value.code or 0, out=shown.out, err=shown.err)

    yield ran
    structlog.reset_defaults()
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def parts(run: Callable[..., Any], sqlite_file: Path) -> Iterator[Parts]:
    """Yield the stores of the commands, migrated."""
    made = Parts(load_configuration(os.environ))
    yield made
    made.engine.dispose()


@pytest.mark.parametrize(
    "arguments", [["--help"], ["-h"], ["check", "--help"], ["preview", "-h"], ["diff", "-h"], ["demo", "-h"]]
)
def test_help(run: Callable[..., Any], arguments: list[str]) -> None:
    """Help is on stdout, with 0."""
    ended = run(*arguments)
    assert (0, "") == (ended.code, ended.err)
    assert ended.out.startswith("Usage: adapter")


def test_version(run: Callable[..., Any]) -> None:
    """The version is one line."""
    ended = run("--version")
    assert (0, f"adapter, version {__version__}\n") == (ended.code, ended.out)


def test_an_unknown_command(run: Callable[..., Any]) -> None:
    """A command that doesn't exist is a usage error: 2."""
    ended = run("chekc")
    assert (2, "") == (ended.code, ended.out)
    assert "No such command 'chekc'" in ended.err


def test_check(run: Callable[..., Any]) -> None:
    """A right configuration is described with 0."""
    ended = run("check")
    assert (0, "") == (ended.code, ended.err)
    assert "mappings/shopify.toml: on: shopify, webhook URL /webhooks/shopify\n" in ended.out
    assert SECRET not in ended.out


def test_check_lists_every_problem(run: Callable[..., Any], tmp_path: Path) -> None:
    """Everything that is wrong is listed with file, path and hint, one line each, with 1."""
    (tmp_path / "acme.toml").write_text('extends = "shopify"\n[event.data]\nvaleu = "1"\n[orders]\ncount = "sold"\n')
    ended = run("check", PORT="none", MAPPINGS_DIR=str(tmp_path))
    lines = ended.err.splitlines()
    assert (1, "", 3) == (ended.code, ended.out, len(lines))
    assert "PORT: 'none' is no whole number from 1 to 65535 (without it: 8000)" == lines[0]
    assert any('acme.toml: event.data.valeu: unknown field (did you mean "value"?)' in line for line in lines)
    assert any("acme.toml: orders.count: " in line for line in lines)


def test_check_live_before_the_first_start(run: Callable[..., Any], tmp_path: Path) -> None:
    """Without a database there is a numbered list of what to do, and 1; looking at it makes no file."""
    ended = run("check", "--live", SECRET_KEY="")
    assert (1, "") == (ended.code, ended.err)
    assert "WRONG database: there is no file" in " ".join(ended.out.split())
    assert " 1. run `adapter serve`, which makes it, or `adapter migrate`\n 2. run this again with --url" in ended.out
    assert [] == list(tmp_path.glob("adapter.db*"))


def test_check_live(run: Callable[..., Any], parts: Parts) -> None:
    """A set-up with nothing wrong is 0, also while steps are left; a service that isn't there is 1."""
    Pulse(parts.engine).beat(datetime.now(UTC))
    ended = run("check", "--live")
    assert (0, "") == (ended.code, ended.err)
    assert "to do  shop shopify: has never received anything\n" in ended.out
    assert SECRET not in ended.out
    ended = run("check", "--live", "--url", "http://127.0.0.1:9/")
    assert 1 == ended.code
    assert "WRONG  http://127.0.0.1:9: no connection\n" in ended.out


def test_check_live_lists_every_problem(run: Callable[..., Any]) -> None:
    """What is wrong with settings or files comes first, and alone, as without --live."""
    ended = run("check", "--live", PORT="none")
    assert (1, "") == (ended.code, ended.out)
    assert ended.err.startswith("PORT: 'none' is no whole number")


def test_the_test_event(run: Callable[..., Any], parts: Parts) -> None:
    """--send-test-event says what it sends before it does, sends one page_view, and says what the answer shows."""
    Pulse(parts.engine).beat(datetime.now(UTC))
    with Sandbox({"pixel": "key"}) as api:
        accepted = run("check", "--live", "--send-test-event", "shopify", AXON_API_URL=api.url)
        refused = run("check", "--live", "--send-test-event", "shopify", AXON_API_URL=api.url, AXON_API_KEY="other")
        received, url = [event["event"]["name"] for event in api.received()["events"]], api.url
    assert (0, 1, ["page_view"]) == (accepted.code, refused.code, received)
    assert accepted.out.startswith(f"sending one event to {url}, pixel id pixel: ")
    assert "key and pixel id are right" in " ".join(accepted.out.split())
    assert "--send-test-event" not in accepted.out
    assert "key or pixel id is wrong" in " ".join(refused.out.split())
    unset = run("check", "--live", "--send-test-event", "shopify", AXON_API_KEY="")
    assert (1, True) == (unset.code, "no event was sent: shopify has no pixel id or no key" in unset.out)


def test_preview_of_a_file(run: Callable[..., Any]) -> None:
    """A file's preview is for people, with 0."""
    ended = run("preview", str(SAMPLES / "shopify" / "free_shipping_code.json"), "--shop", "shopify")
    assert (0, "") == (ended.code, ended.err)
    assert ended.out.startswith("shop shopify (mappings/shopify.toml), order 5839102746006\n\nmoney (USD)\n")
    assert "\n  value             24.00\n" in ended.out


@pytest.mark.parametrize(
    ("shop", "sample", "value"), [("shopify", "free_shipping_code", "24.00"), ("woocommerce", "tax-included", "40.00")]
)
def test_preview_of_standard_input(run: Callable[..., Any], shop: str, sample: str, value: str) -> None:
    """- reads standard input; --json is one document whose amounts are JSON numbers with their digits."""
    body = (SAMPLES / shop / f"{sample}.json").read_bytes()
    site = {"WOOCOMMERCE_SITE_URL": "https://woo.example"}
    ended = run("preview", "-", "--shop", shop, "--json", stdin=body, **site, WOOCOMMERCE_WEBHOOK_SECRET="x" * 16)
    found = json.loads(ended.out)
    keys = ["event", "skipped", "problems", "explanation", "clicks", "warnings", "money"]
    assert (0, "", keys) == (ended.code, ended.err, list(found)[:7])
    assert ["target", "expression", "file", "value", "read", "failed"] == list(found["explanation"][0])
    assert "purchase" == found["event"]["name"]
    assert f'"value":{value}' in ended.out


def test_preview_of_a_skipped_order(run: Callable[..., Any]) -> None:
    """A skipped order is no error: 0, and the reason."""
    path = str(SAMPLES / "shopify" / "test_notification.json")
    ended = run("preview", path, "--shop", "shopify", "--json")
    found = json.loads(ended.out)
    assert (0, None) == (ended.code, found["event"])
    assert found["skipped"].startswith("test notification: ")


def test_preview_of_a_broken_order(run: Callable[..., Any]) -> None:
    """An order that can't be sent is shown with its problems, with 1."""
    ended = run("preview", "-", "--shop", "shopify", stdin=b"<order/>")
    assert (1, "") == (ended.code, ended.err)
    assert "PROBLEM  unreadable: " in ended.out


def test_preview_commands_no_terminal(run: Callable[..., Any]) -> None:
    """Escape sequences that a buyer typed don't reach the terminal."""
    order = json.loads((SAMPLES / "shopify" / "free_shipping_code.json").read_text())
    order["line_items"][0]["title"] = order["line_items"][0]["name"] = "\x1b]0;evil\x07\x1b[2J\nfern"
    ended = run("preview", "-", "--shop", "shopify", stdin=json.dumps(order).encode())
    assert "\x1b" not in ended.out
    assert "�]0;evil��[2J" in ended.out


def test_preview_needs_no_other_setting(run: Callable[..., Any]) -> None:
    """A database and a key that are wrong or missing, and a shop that is off, don't matter to a preview."""
    path = str(SAMPLES / "shopify" / "free_shipping_code.json")
    ended = run("preview", path, "--shop", "shopify", DATABASE_URL="oracle://", SHOPIFY_WEBHOOK_SECRET="")
    assert (0, "") == (ended.code, ended.err)
    assert "\nNOTE     the shop is off: it has no webhook secret" in ended.out


def test_diff_of_a_folder(run: Callable[..., Any], tmp_path: Path) -> None:
    """Two files over the orders of a folder: a report with 0 although they differ; one object for programs."""
    old, new = str(ROOT / "mappings" / "shopify.toml"), tmp_path / "new.toml"
    new.write_text('extends = "shopify"\n[event.data]\nvalue = "purchase.total"\n')
    orders = tmp_path / "orders"
    orders.mkdir()
    (orders / "one.json").write_bytes((SAMPLES / "shopify" / "tax_included_eur.json").read_bytes())
    ended = run("diff", old, str(new), "--orders", str(orders), SHOPIFY_SITE_URL="", DATABASE_URL="oracle://")
    assert (0, "") == (ended.code, ended.err)
    assert "\n  data.value                     110.00 → 134.45\n" in ended.out
    assert "isn't set here: https://site-url-not-set.example" in " ".join(ended.out.split())
    ended = run("diff", old, str(new), "--orders", str(orders), "--json", "--examples", "0")
    found = json.loads(ended.out)
    assert (0, 1, 1, []) == (ended.code, found["orders"], found["different"], found["examples"])


def test_diff_of_stored_orders(run: Callable[..., Any], parts: Parts, tmp_path: Path) -> None:
    """--days takes the stored orders of the shop that is named like OLD, or of --shop."""
    old = str(ROOT / "mappings" / "shopify.toml")
    body = (SAMPLES / "shopify" / "tax_included_eur.json").read_bytes()
    parts.purchases.receive([Receipt(shop="shopify", order_id="5839102746002", body=body)], datetime.now(UTC))
    ended = run("diff", old, old, "--days", "1")
    assert (0, "") == (ended.code, ended.err)
    assert "orders 1 of shopify, stored within 1 day\n" in ended.out
    ended = run("diff", old, old, "--days", "1", "--shop", "acme")
    assert (1, "", "there is no order of acme, stored within 1 day\n") == (ended.code, ended.out, ended.err)
    ended = run("diff", old, old, "--days", "1", DATABASE_URL=f"sqlite:///{tmp_path}/elsewhere.db")
    assert (1, True) == (ended.code, f"there is no database at {tmp_path}/elsewhere.db" in ended.err)
    assert not (tmp_path / "elsewhere.db").exists()


def test_diff_of_a_wrong_file(run: Callable[..., Any], tmp_path: Path) -> None:
    """A wrong mapping file is refused with its problems and 1."""
    (tmp_path / "new.toml").write_text('extends = "shopify"\n[event.data]\nvaleu = "order.id"\n')
    ended = run("diff", str(tmp_path / "new.toml"), str(tmp_path / "new.toml"), "--orders", str(SAMPLES))
    assert (1, "") == (ended.code, ended.out)
    assert 'new.toml: event.data.valeu: unknown field (did you mean "value"?)' in ended.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["check", "--url", "https://adapter.example"], "--url and --send-test-event go with --live"),
        (["check", "--send-test-event", "shopify"], "--url and --send-test-event go with --live"),
        (["check", "--live", "--url", "adapter.example"], "it must be like https://adapter.shop.example"),
        (["check", "--live", "--send-test-event", "acme"], "there is no shop 'acme'; known: shopify, woocommerce"),
        (["preview", "-"], "Missing option '--shop'"),
        (["preview", "no such file.json", "--shop", "shopify"], "No such file or directory"),
        (["preview", "-", "--shop", "acme"], "there is no shop 'acme'; known: shopify, woocommerce"),
        (["diff", "no such file.toml", "x", "--days", "1"], "File 'no such file.toml' does not exist"),
        (["diff", __file__, __file__], "give either --orders FOLDER or --days N"),
        (["diff", __file__, __file__, "--days", "0"], "0 is not in the range"),
        (["orders", "--state", "lost"], "'lost' is not one of 'pending'"),
        (["orders", "--limit", "0"], "0 is not in the range"),
        (["retry"], "give either ORDER and --shop NAME, or --all-quarantined"),
        (["retry", "1001"], "give either ORDER and --shop NAME, or --all-quarantined"),
        (["retry", "1001", "--shop", "shopify", "--all-quarantined"], "give either ORDER and --shop NAME, or --all-"),
        (["retry", "1001", "--shop", "acme"], "there is no shop 'acme'; known: shopify, woocommerce"),
        (["resume"], "Missing option '--shop'"),
        (["sandbox", "--port", "65536"], "65536 is not in the range"),
    ],
)
def test_wrong_use(run: Callable[..., Any], arguments: list[str], words: str) -> None:
    """A wrong option or file is a usage error: 2, on stderr."""
    ended = run(*arguments)
    assert (2, "") == (ended.code, ended.out)
    assert words in ended.err


def test_migrate_twice(run: Callable[..., Any], tmp_path: Path) -> None:
    """Migrating is idempotent, and silent but for one line."""
    for _ in range(2):
        ended = run("migrate", LOG_LEVEL="debug")
        assert (0, MIGRATED, "") == (ended.code, ended.out, ended.err)
    assert (tmp_path / "adapter.db").exists()


WRONG_KEY = "SECRET_KEY: opens 3 of the oldest and newest stored values not: they were sealed with another secret"


@pytest.mark.parametrize("arguments", [["migrate"], ["serve"], ["deliver"], ["deliver", "--once"]])
def test_another_secret(run: Callable[..., Any], parts: Parts, arguments: list[str]) -> None:
    """What would run with a secret that opens nothing of what is stored ends with 1, before anything is sent."""
    _fill(parts)
    ended = run(*arguments, SECRET_KEY="another secret of tests, with 32 characters")
    assert (1, "", 1) == (ended.code, ended.out, ended.err.count("\n"))
    assert ended.err.startswith(WRONG_KEY)


def test_serve(run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`serve` migrates, then gunicorn takes the process's place, so that signals reach it."""
    commands: list[list[str]] = []

    def execv(path: str, command: list[str]) -> None:
        commands.append([path, *command])
        raise SystemExit(0)

    monkeypatch.setattr(os, "execv", execv)
    assert 0 == run("serve").code
    gunicorn = ["-m", "gunicorn", "--config", "python:adapter.server", "adapter.app:create_app()"]
    assert [[sys.executable, sys.executable, *gunicorn]] == commands
    assert (tmp_path / "adapter.db").exists()


UNREACHABLE = {
    "SQLite": "sqlite:////proc/nobody/adapter.db",
    "PostgreSQL": "postgresql://adapter:canary@127.0.0.1:9/orders",
}


@pytest.mark.parametrize("database", UNREACHABLE)
@pytest.mark.parametrize(
    "arguments", [["migrate"], ["serve"], ["orders"], ["orders", "--json"], ["status"], ["deliver", "--once"]]
)
def test_a_database_that_is_away(run: Callable[..., Any], database: str, arguments: list[str]) -> None:
    """A database that can't be reached is one line on stderr and 1, without its password and without a traceback."""
    ended = run(*arguments, DATABASE_URL=UNREACHABLE[database])
    assert (1, "", 1) == (ended.code, ended.out, ended.err.count("\n"))
    assert ended.err.startswith("the database can't be used: OperationalError: ")
    assert "has `adapter migrate` run?" in ended.err
    assert "canary" not in ended.err


@pytest.mark.parametrize("arguments", [["orders"], ["status", "--json"], ["deliver", "--once"]])
def test_a_database_without_tables(run: Callable[..., Any], arguments: list[str]) -> None:
    """Before the first migration the error says what to run."""
    ended = run(*arguments)
    assert (1, "", 1) == (ended.code, ended.out, ended.err.count("\n"))
    assert "has `adapter migrate` run?" in ended.err


def test_a_key_that_can_not_be_made(run: Callable[..., Any]) -> None:
    """A folder that the key can't be written to is one line and 1."""
    ended = run("orders", SECRET_KEY="", DATABASE_URL="sqlite:////proc/nobody/adapter.db")
    assert (1, "", 1) == (ended.code, ended.out, ended.err.count("\n"))
    assert "/proc/nobody/adapter.db.key: can't be used" in ended.err


def _fill(parts: Parts) -> None:
    body = (SAMPLES / "shopify" / "free_shipping_code.json").read_bytes()
    receipts = [
        Receipt(shop="shopify", order_id="5839102746006", body=body),
        Receipt(shop="shopify", order_id="820982911946154508", body=b"{}", state=State.SKIPPED, reason="test: é"),
        Receipt(shop="acme", order_id="7", body=b"{}", state=State.QUARANTINED, reason="bad \x1b[2J"),
    ]
    for receipt in receipts:
        parts.purchases.receive([receipt], NOON)


def test_orders(run: Callable[..., Any], parts: Parts) -> None:
    """Orders are listed with their reasons, the newest first, with what a terminal can't be harmed by."""
    assert "no such order\n" == run("orders").out
    _fill(parts)
    ended = run("orders")
    assert (0, "") == (ended.code, ended.err)
    assert [
        "2026-05-01 12:00:00  quarantined  acme  order 7",
        "    bad �[2J",
        "2026-05-01 12:00:00  skipped      shopify  order 820982911946154508",
        "    test: é",
        "2026-05-01 12:00:00  pending      shopify  order 5839102746006",
    ] == ended.out.splitlines()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], ["7", "820982911946154508", "5839102746006"]),
        (["--state", "skipped"], ["820982911946154508"]),
        (["--shop", "shopify"], ["820982911946154508", "5839102746006"]),
        (["--shop", "shopify", "--state", "delivered"], []),
        (["--limit", "1"], ["7"]),
        (["--reason", "TEST"], ["820982911946154508"]),
    ],
)
def test_orders_for_programs(run: Callable[..., Any], parts: Parts, options: list[str], expected: list[str]) -> None:
    """--json is one list; state, shop and limit choose."""
    _fill(parts)
    ended = run("orders", "--json", *options)
    assert (0, "") == (ended.code, ended.err)
    assert expected == [row["order"] for row in json.loads(ended.out)]


def test_the_key_is_announced_beside_the_list(run: Callable[..., Any], parts: Parts) -> None:
    """What is logged on the way goes to stderr: stdout is one JSON document."""
    ended = run("orders", "--json", SECRET_KEY="")
    assert [] == json.loads(ended.out)
    assert "secret key generated" == json.loads(ended.err)["event"]


def test_status(run: Callable[..., Any], parts: Parts) -> None:
    """The status is for people, or one JSON document."""
    _fill(parts)
    ended = run("status")
    assert (0, "") == (ended.code, ended.err)
    assert "shop shopify: on; 1 pending, 1 skipped\n" in ended.out
    found = json.loads(run("status", "--json").out)
    assert {"at", "shops", "destinations", "healthy", "causes"} == set(found)
    assert {"pending": 1, "skipped": 1} == found["shops"]["shopify"]["orders"]


def test_retry(run: Callable[..., Any], parts: Parts) -> None:
    """A skipped order is due again, with 0; the log, on stderr, says who asked for it."""
    _fill(parts)
    ended = run("retry", "820982911946154508", "--shop", "shopify")
    words = "order 820982911946154508 of shopify is due again; its event is made anew by the present mapping\n"
    assert (0, words) == (ended.code, ended.out)
    line = json.loads(ended.err)
    assert ("order retried", "adapter retry") == (line["event"], line["by"])
    assert "pending" == parts.purchases.rows(shop="shopify")[0]["state"]


def test_a_retry_that_is_refused(run: Callable[..., Any], parts: Parts) -> None:
    """What can't be retried is one line on stderr, with 1."""
    _fill(parts)
    ended = run("retry", "5839102746006", "--shop", "shopify")
    assert (1, "", 1) == (ended.code, ended.out, ended.err.count("\n"))
    assert ended.err.startswith("order 5839102746006 of shopify waits already, and is tried again by itself")


@pytest.mark.parametrize(
    ("options", "states"),
    [([], ["pending", "skipped", "pending"]), (["--shop", "shopify"], ["quarantined", "skipped", "pending"])],
)
def test_retry_all(run: Callable[..., Any], parts: Parts, options: list[str], states: list[str]) -> None:
    """Every quarantined order is due again, or those of one shop."""
    _fill(parts)
    assert 0 == run("retry", "--all-quarantined", *options).code
    assert states == [row["state"] for row in parts.purchases.rows()]


def test_resume(run: Callable[..., Any], parts: Parts) -> None:
    """A pause ends at once, with 0."""
    ((id_, _),) = parts.shops.destinations().items()
    parts.destinations.save(id_, DestinationState(condition=Condition.PAUSED, reason="answer 401", since=NOON))
    ended = run("resume", "--shop", "shopify")
    words = "the destination of shopify, woocommerce (pixel id pixel) was paused and is open again"
    assert (0, words) == (ended.code, ended.out.splitlines()[0])
    assert "adapter resume" == json.loads(ended.err)["by"]
    assert Condition.OPEN is parts.destinations.state(id_, NOON).condition


def test_nothing_to_resume(run: Callable[..., Any], parts: Parts) -> None:
    """A shop without a destination is one line on stderr, with 1."""
    ended = run("resume", "--shop", "shopify", AXON_API_KEY="")
    assert (1, "", 1) == (ended.code, ended.out, ended.err.count("\n"))
    assert "set pixel_id and api_key under [axon]" in ended.err


def test_reseal(run: Callable[..., Any], parts: Parts) -> None:
    """Everything moves to the new key beside the service, and it is said what the old one is still needed for."""
    _fill(parts)
    new, old = "another secret of tests, with 32 characters", "SECRET-of-before-without-white-space"
    with_old = run("reseal", SECRET_KEY=old)
    assert (1, True) == (with_old.code, with_old.err.startswith("values are left that no key known here opens: 3 by"))
    parts.engine.dispose()
    assert 0 == run("orders", SECRET_KEY=old).code
    parts = Parts(load_configuration(os.environ))
    parts.purchases.receive([Receipt(shop="shopify", order_id="8", body=b"{}")], NOON)
    parts.engine.dispose()
    ended = run("reseal", SECRET_KEY=new, SECRET_KEY_FALLBACKS=old)
    assert "  values of orders: 1, done" in ended.out.splitlines()
    assert "number 1 of SECRET_KEY_FALLBACKS: not needed any more, remove it" == ended.out.splitlines()[-1]


def test_deliver_once(run: Callable[..., Any], parts: Parts) -> None:
    """`deliver --once` sends what is due and exits with 0; the steps are logged on stdout."""
    _fill(parts)
    with Sandbox({"pixel": "key"}) as api:
        ended = run("deliver", "--once", AXON_API_URL=api.url)
        received = [event["event"]["dedupe_id"] for event in api.received()["events"]]
    assert (0, "", ["5839102746006"]) == (ended.code, ended.err, received)
    ((line),) = [json.loads(line) for line in ended.out.splitlines()]
    assert ("orders delivered", ["5839102746006"]) == (line["event"], line["orders"])
    assert "delivered" == parts.purchases.rows(shop="shopify")[1]["state"]


def test_deliver_once_purges(run: Callable[..., Any], parts: Parts, tmp_path: Path) -> None:
    """`deliver --once` also purges what is RETENTION_DAYS old, counted in uptime: nothing of it stays in the files."""
    receipt = Receipt(shop="shopify", order_id="8", body=b"x" * 500, state=State.SKIPPED, reason="test: of a person")
    parts.purchases.receive([receipt], NOON)
    with closing(sqlite3.connect(tmp_path / "adapter.db")) as connection:
        (sealed,) = connection.execute("SELECT body FROM purchases").fetchone()
        connection.execute("UPDATE uptime SET seconds = 3 * 86400")
        connection.commit()
    files = list(tmp_path.glob("adapter.db*"))
    assert any(sealed[20:90] in path.read_bytes() for path in files)
    assert 0 == run("deliver", "--once", RETENTION_DAYS="2").code
    (row,) = parts.purchases.rows()
    assert (False, "test") == (row["body_kept"], row["reason"])
    assert not any(sealed[20:90] in path.read_bytes() for path in tmp_path.glob("adapter.db*"))
    assert '"body_kept": false' in run("orders", "--json").out


def _when_it_runs(send: signal.Signals, before: Any) -> Thread:
    """Send this process a signal once the command has said what it does with it."""

    def wait_and_send() -> None:
        while signal.getsignal(send) is before:
            time.sleep(0.01)
        time.sleep(0.2)
        os.kill(os.getpid(), send)

    thread = Thread(target=wait_and_send, daemon=True)
    thread.start()
    return thread


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_deliver_until_told(run: Callable[..., Any], parts: Parts, number: signal.Signals) -> None:
    """`deliver` goes on until a signal, then ends with 0."""
    _fill(parts)
    with Sandbox({"pixel": "key"}) as api:
        thread = _when_it_runs(number, signal.getsignal(number))
        ended = run("deliver", AXON_API_URL=api.url)
        thread.join()
        assert 1 == len(api.received()["events"])
    assert (0, "") == (ended.code, ended.err)


@pytest.mark.parametrize(("embedded", "warnings"), [("true", 1), ("false", 0)])
def test_a_worker_beside_sqlite(run: Callable[..., Any], parts: Parts, embedded: str, warnings: int) -> None:
    """A worker of its own warns when the web process delivers from the same file, too."""
    thread = _when_it_runs(signal.SIGTERM, signal.getsignal(signal.SIGTERM))
    ended = run("deliver", EMBEDDED_DELIVERY=embedded)
    thread.join()
    found = [json.loads(line)["event"] for line in ended.out.splitlines()]
    assert warnings == found.count("a worker of its own shares a SQLite file with the web process")


def test_sandbox(run: Callable[..., Any]) -> None:
    """`sandbox` says where it is, and ends with 0 on a signal."""
    thread = _when_it_runs(signal.SIGTERM, signal.getsignal(signal.SIGTERM))
    ended = run("sandbox", "--port", "0")
    thread.join()
    assert (0, "") == (ended.code, ended.err)
    assert "AXON_API_URL=http://127.0.0.1:" in ended.out


def test_a_sandbox_port_that_is_taken(run: Callable[..., Any]) -> None:
    """A taken port is one line and 1."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = run("sandbox", "--port", str(port))
    expected = f"Error: can't listen on 127.0.0.1:{port}: Address already in use; choose another --port\n"
    assert (1, "", expected) == (ended.code, ended.out, ended.err)


@pytest.mark.parametrize(("as_expected", "code"), [(True, 0), (False, 1)])
@pytest.mark.parametrize("options", [[], ["--stay"]])
def test_demo(
    run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, options: list[str], as_expected: bool, code: int
) -> None:
    """`demo` ends with 0 only when everything came out as expected; with --stay it is told what ends it."""
    stays: list[bool] = []

    def run_demo(_say: Callable[[str], None], *, stay: object) -> bool:
        stays.append(stay is not None)
        return as_expected

    monkeypatch.setattr(demonstration, "run", run_demo)
    assert code == run("demo", *options).code
    assert [bool(options)] == stays


@pytest.mark.processes
def test_a_reseal_that_is_killed(run: Callable[..., Any], parts: Parts) -> None:
    """Killed midway it has lost nothing, and goes on where it was when it is run again."""
    receipts = [Receipt(shop="shopify", order_id=str(number), body=b"%d" % number) for number in range(3000)]
    parts.purchases.receive(receipts, NOON)
    change = {"SECRET_KEY": "another secret of tests, with 32 characters", "SECRET_KEY_FALLBACKS": KEY}
    command = [sys.executable, "-m", "adapter", "reseal"]
    with subprocess.Popen(command, env={**os.environ, **change}, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert "values to be sealed with SECRET_KEY: 3000\n" == process.stdout.readline()
        assert "  values of orders: 1000\n" == process.stdout.readline()
        process.kill()
    lines = run("reseal", **change).out.splitlines()
    left = int(lines[0].rpartition(": ")[2])
    assert 0 < left <= 2000
    assert (f"  values of orders: {left}, done", "SECRET_KEY: values sealed with it: 3000") == (lines[-4], lines[-2])
    assert lines[-1].endswith("not needed any more, remove it")
    after = Parts(load_configuration(os.environ))
    claims = after.purchases.claim(["shopify"], "due", 3000, NOON, timedelta(minutes=1))
    assert 3000 == len(claims)
    assert all(claim.order_id.encode() == after.purchases.open_body(claim) for claim in claims)
    after.engine.dispose()


@pytest.mark.processes
def test_as_a_process(tmp_path: Path) -> None:
    """`python -m adapter` is the command, in any folder, and a wrong configuration shows no traceback."""
    environment = {"PATH": os.environ["PATH"], "MAPPINGS_DIR": str(tmp_path), "PORT": "none", "LANG": "C"}
    ended = subprocess.run(
        [sys.executable, "-m", "adapter", "check"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (1, "") == (ended.returncode, ended.stdout)
    assert ended.stderr.startswith("PORT: 'none' is no whole number")
    assert "Traceback" not in ended.stderr


def test_snippets(run: Callable[..., Any]) -> None:
    """Everything to paste is printed for people, with notes; the placeholder stands where no address was said."""
    ended = run("snippets", "--shop", "shopify")
    assert (0, "") == (ended.code, ended.err)
    assert '<script defer src="https://your-adapter.example/storefront/shopify.js"></script>\n' in ended.out
    assert "note: https://your-adapter.example stands for the adapter's public address" in ended.out
    assert SECRET not in ended.out


def test_one_snippet(run: Callable[..., Any], tmp_path: Path) -> None:
    """--part prints the text alone, so that it can be a file; notes are on stderr."""
    ended = run("snippets", "--shop", "woocommerce", "--url", "https://adapter.woo.example/", "--part", "plugin")
    assert 0 == ended.code
    assert ended.out.startswith("<?php\n/**\n * Plugin Name: Order adapter\n")
    assert ended.out.endswith("}\n")
    assert "const SCRIPT   = 'https://adapter.woo.example/storefront/woocommerce.js';" in ended.out
    assert ended.err.startswith("note: the shop is off ")
    assert "\nnote: clicks are taken from " in ended.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--shop", "acme"], "there is no shop 'acme'"),
        (["--shop", "shopify", "--part", "plugin"], "a shopify shop has script, pixel, dedupe, consent"),
        (["--shop", "shopify", "--url", "adapter.example"], "it must be like https://adapter.shop.example"),
        (["--shop", "shopify", "--url", "https://a.example/?x=1"], "it must be like https://adapter.shop.example"),
        (["--shop", "shopify", "--url", "https://a'b.example"], "it must be like https://adapter.shop.example"),
        (["--shop", "shopify", "--url", "javascript:alert(1)"], "it must be like https://adapter.shop.example"),
    ],
)
def test_wrong_snippets(run: Callable[..., Any], arguments: list[str], said: str) -> None:
    """What can't be printed is a usage error."""
    ended = run("snippets", *arguments)
    assert (2, "") == (ended.code, ended.out)
    assert said in ended.err
