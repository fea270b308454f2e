"""The `adapter` command: reads its options, puts the parts together and calls one operation each."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterable
from pathlib import Path
from threading import Event
from types import FrameType
from typing import BinaryIO, NoReturn, TextIO

import click

from adapter import __version__
from adapter.axon import sandbox as conversion_api
from adapter.delivery.worker import utc_now
from adapter.errors import AdapterError, StorageUnavailable
from adapter.logs import configure_logs
from adapter.operations import check as checking
from adapter.operations import demo as demonstration
from adapter.operations import ledger
from adapter.operations.diff import compare
from adapter.operations.diff import orders as orders_to_compare
from adapter.operations.diff import report as comparison
from adapter.operations.diff.pair import load_pair
from adapter.operations.glossary import glossary
from adapter.operations.preview import preview as preview_order
from adapter.operations.schema import mapping_schema
from adapter.purchase.event import encode
from adapter.shops.shop import Shop, Shops
from adapter.storage.migrate import migrate as migrate_database
from adapter.storage.tables import State
from adapter.wiring import Configuration, Parts, load_configuration, load_mappings


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="adapter")
def cli() -> None:
    """Signed shop orders become purchase events at AppLovin's Conversion API."""


def main() -> None:
    """Run the command; an error raised on purpose is shown as its message, one line a problem, and exits with 1."""
    try:
        cli(prog_name="adapter")
    except StorageUnavailable as error:
        hint = "is it there, may this user use it, and has `adapter migrate` run?"
        _exit_with(f"the database can't be used: {error} ({hint})")
    except AdapterError as error:
        _exit_with(str(error))


def _exit_with(message: str) -> NoReturn:
    click.echo(message, err=True)
    sys.exit(1)


def _show(lines: Iterable[str]) -> None:
    """Print lines for people. What a buyer typed may hold escape sequences, which would command the terminal."""
    for line in lines:
        click.echo(
            "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in line)
        )


def _configuration() -> Configuration:
    return load_configuration(os.environ)


def _parts(logs: TextIO | None = None) -> Parts:
    """Return the parts, with logs on stdout, or elsewhere when stdout is for what was asked for."""
    configuration = _configuration()
    configure_logs(configuration.settings.log_level, logs)
    return Parts(configuration)


@cli.command()
def check() -> None:
    """Check settings and mapping files; list every problem and exit 1, or say what would run."""
    configuration = _configuration()
    _show(checking.describe(configuration.settings, configuration.shops))


@cli.command()
@click.option("--names", is_flag=True, help="For people: every name and function that an expression may use.")
def schema(*, names: bool) -> None:
    """Print the JSON Schema of a mapping file, with which editors complete and check it."""
    if names:
        _show(glossary())
    else:
        click.echo(json.dumps(mapping_schema(), indent=2, ensure_ascii=False))


@cli.command()
@click.argument("order", type=click.File("rb"))
@click.option("--shop", "shop_name", required=True, help="The shop: the name of its mapping file.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def preview(order: BinaryIO, shop_name: str, *, as_json: bool) -> None:
    """Show what an ORDER file (- for standard input) becomes, and why. Sends nothing and needs no secret.

    The file holds an order, the body of a webhook, a raw HTTP request, or what a capture tool stored. Exits with 1
    when the order can't be sent as it is; a skipped order is no error.
    """
    shown = preview_order(order.read(), _shop(load_mappings(os.environ), shop_name), utc_now())
    if as_json:
        click.echo(encode(shown.to_json()).decode())
    else:
        _show(shown.lines())
    if shown.problems:
        sys.exit(1)


def _shop(shops: Shops, name: str) -> Shop:
    shop = shops.get(name)
    if shop is None:
        known = ", ".join(shop.name for shop in shops)
        raise click.BadParameter(f"there is no shop {name!r}; known: {known}", param_hint="--shop")
    return shop


_MAPPING = click.Path(exists=True, dir_okay=False, path_type=Path)


@cli.command()
@click.argument("old", type=_MAPPING)
@click.argument("new", type=_MAPPING)
@click.option("--orders", "folder", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Of a folder.")
@click.option("--days", type=click.IntRange(1, 3650), help="The stored orders that came in within so many days.")
@click.option("--shop", "shop_name", help="With --days: whose orders; without it the shop named like OLD.")
@click.option("--examples", default=5, show_default=True, type=click.IntRange(0, 1000), help="How many are shown.")
@click.option("--json", "as_json", is_flag=True, help="For programs: one JSON object.")
def diff(  # noqa: PLR0913  # One argument an option, as click wants them.
    *, old: Path, new: Path, folder: Path | None, days: int | None, shop_name: str | None, examples: int, as_json: bool
) -> None:
    """Show what the mapping file NEW would change, compared with OLD. Sends and stores nothing, needs no secret.

    Exits with 0 also when orders differ, since it is a report; with 1 when a file is wrong or there is no order.
    """
    before, after = load_pair(old, new, os.environ)
    if folder is not None and days is None:
        orders = orders_to_compare.of_folder(folder, before.platform)
    elif days is not None and folder is None:
        orders = _stored_orders(shop_name or before.name, days)
    else:
        raise click.UsageError("give either --orders FOLDER or --days N")
    found = compare(before, after, orders, examples)
    if as_json:
        click.echo(encode(comparison.document(before, after, found)).decode())
    else:
        _show(comparison.lines(before, after, found, orders.words))


def _stored_orders(shop_name: str, days: int) -> orders_to_compare.Orders:
    parts = _parts(sys.stderr)
    path = parts.settings.sqlite_path
    if path is not None and not path.exists():
        raise click.ClickException(f"there is no database at {path}: set DATABASE_URL as the service has it")
    return orders_to_compare.of_ledger(parts.bodies(), parts.clicks, shop_name, days, parts.clock())


@cli.command()
def migrate() -> None:
    """Bring the database to the newest schema. Safe to run again, and by two at once."""
    _migrate(_parts(sys.stderr))
    click.echo("the database is up to date")


def _migrate(parts: Parts) -> None:
    migrate_database(parts.engine)
    parts.engine.dispose()


@cli.command()
def serve() -> NoReturn:
    """Migrate, then serve webhooks with gunicorn."""
    _migrate(_parts())
    command = [sys.executable, "-m", "gunicorn", "--config", "python:adapter.server", "adapter.app:create_app()"]
    os.execv(command[0], command)  # noqa: S606  # gunicorn takes this process's place, so signals reach it.


@cli.command()
@click.option("--once", is_flag=True, help="Deliver what is due, then exit.")
def deliver(*, once: bool) -> None:
    """Deliver due orders to the Conversion API, until SIGTERM; the batch in hand is finished."""
    worker = _parts().worker()
    _stop_on_signals(worker.stop)
    if once:
        worker.drain()
    else:
        worker.run()


def _stop_on_signals(stop: Event) -> None:
    def set_stop(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, set_stop)


@cli.command()
@click.option("--state", type=click.Choice([state.value for state in State]), help="Only orders in this state.")
@click.option("--shop", "shop_name", help="Only orders of this shop.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 100_000))
@click.option("--json", "as_json", is_flag=True, help="For programs: one JSON list.")
def orders(state: str | None, shop_name: str | None, limit: int, *, as_json: bool) -> None:
    """List the newest orders with their state and reason."""
    rows = _parts(sys.stderr).purchases.rows(state=State(state) if state else None, shop=shop_name, limit=limit)
    if as_json:
        click.echo(json.dumps([ledger.order_for_programs(row) for row in rows], ensure_ascii=False))
    else:
        _show(ledger.order_lines(rows))


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def status(*, as_json: bool) -> None:
    """Show how many orders are in each state, and how each destination is."""
    parts = _parts(sys.stderr)
    found = ledger.status_for_programs(parts.shops, parts.purchases, parts.destinations, parts.clock())
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
    else:
        _show(ledger.status_lines(found))


@cli.command()
@click.option("--port", default=8099, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one.")
def sandbox(port: int) -> None:
    """Run a local Conversion API that behaves as AppLovin's page says. GET /received shows what came in."""
    stop = Event()
    _stop_on_signals(stop)
    try:
        conversion_api.serve(port, until=stop)
    except OSError as error:
        raise click.ClickException(
            f"can't listen on 127.0.0.1:{port}: {error.strerror}; choose another --port"
        ) from None


@cli.command()
@click.option("--stay", is_flag=True, help="Keep everything running after the table, until Ctrl-C.")
def demo(*, stay: bool) -> None:
    """Play the main job with two invented shops and a local Conversion API; exit 1 when a line isn't as expected."""
    if not demonstration.run(click.echo, stay=demonstration.until_interrupted if stay else None):
        sys.exit(1)
