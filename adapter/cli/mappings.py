"""Commands about mapping files: schema, preview, diff. None of them sends anything."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import BinaryIO

import click

from adapter.cli.opening import parts, shop_named
from adapter.cli.terminal import show
from adapter.delivery.worker import utc_now
from adapter.operations.diff import compare
from adapter.operations.diff import orders as orders_to_compare
from adapter.operations.diff import report as comparison
from adapter.operations.diff.pair import load_pair
from adapter.operations.glossary import glossary
from adapter.operations.preview import preview as preview_order
from adapter.operations.schema import mapping_schema
from adapter.purchase.event import encode
from adapter.wiring import load_mappings


@click.command()
@click.option("--names", is_flag=True, help="For people: every name and function that an expression may use.")
def schema(*, names: bool) -> None:
    """Print the JSON Schema of a mapping file, with which editors complete and check it."""
    if names:
        show(glossary())
    else:
        click.echo(json.dumps(mapping_schema(), indent=2, ensure_ascii=False))


@click.command()
@click.argument("order", type=click.File("rb"))
@click.option("--shop", "shop_name", required=True, help="The shop: the name of its mapping file.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def preview(order: BinaryIO, shop_name: str, *, as_json: bool) -> None:
    """Show what an ORDER file (- for standard input) becomes, and why. Sends nothing and needs no secret.

    The file holds an order, the body of a webhook, a raw HTTP request, or what a capture tool stored. Exits with 1
    when the order can't be sent as it is; a skipped order is no error.
    """
    shown = preview_order(order.read(), shop_named(load_mappings(os.environ), shop_name), utc_now())
    if as_json:
        click.echo(encode(shown.to_json()).decode())
    else:
        show(shown.lines())
    if shown.problems:
        sys.exit(1)


_MAPPING = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("old", type=_MAPPING)
@click.argument("new", type=_MAPPING)
@click.option(
    "--orders", "folder", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Those of a folder."
)
@click.option("--days", type=click.IntRange(1, 3650), help="The stored orders that came in within so many days.")
@click.option("--shop", "shop_name", help="With --days: whose orders; without it the shop named like OLD.")
@click.option("--examples", default=5, show_default=True, type=click.IntRange(0, 1000), help="How many are shown.")
@click.option("--json", "as_json", is_flag=True, help="For programs: one JSON object.")
def diff(  # noqa: PLR0913  # One argument an option, as click wants them.
    *, old: Path, new: Path, folder: Path | None, days: int | None, shop_name: str | None, examples: int, as_json: bool
) -> None:
    """Show what the mapping file NEW would change, compared with OLD. Sends and stores nothing.

    The variables that the files name needn't be set; stored orders are opened with SECRET_KEY.

    Exits with 0 also when orders differ, since it is a report; with 1 when a file is wrong or there is no order.
    """
    if (folder is None) == (days is None):
        raise click.UsageError("give either --orders FOLDER or --days N")
    before, after = load_pair(old, new, os.environ)
    if folder is not None:
        orders = orders_to_compare.of_folder(folder, before.platform)
    else:
        orders = _stored_orders(shop_name or before.name, days or 1)
    found = compare(before, after, orders, examples)
    if as_json:
        click.echo(encode(comparison.document(before, after, found)).decode())
    else:
        show(comparison.lines(before, after, found, orders.words))


def _stored_orders(shop_name: str, days: int) -> orders_to_compare.Orders:
    found = parts(sys.stderr)
    path = found.settings.sqlite_path
    if path is not None and not path.exists():
        raise click.ClickException(f"there is no database at {path}: set DATABASE_URL as the service has it")
    return orders_to_compare.of_ledger(found.bodies(), found.clicks, shop_name, days, found.clock())


COMMANDS = (schema, preview, diff)
