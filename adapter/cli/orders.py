"""Commands about the ledger: orders, status."""

from __future__ import annotations

import sys

import click

from adapter.cli.opening import parts
from adapter.cli.terminal import show, show_json
from adapter.operations import ledger
from adapter.storage.tables import State


@click.command()
@click.option("--state", type=click.Choice([state.value for state in State]), help="Only orders in this state.")
@click.option("--shop", "shop_name", help="Only orders of this shop.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 100_000))
@click.option("--json", "as_json", is_flag=True, help="For programs: one JSON list.")
def orders(state: str | None, shop_name: str | None, limit: int, *, as_json: bool) -> None:
    """List the newest orders with their state and reason."""
    rows = parts(sys.stderr).purchases.rows(state=State(state) if state else None, shop=shop_name, limit=limit)
    if as_json:
        show_json([ledger.order_for_programs(row) for row in rows])
    else:
        show(ledger.order_lines(rows))


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def status(*, as_json: bool) -> None:
    """Show how many orders are in each state, and how each destination is."""
    house = parts(sys.stderr)
    found = ledger.status_for_programs(house.shops, house.purchases, house.destinations, house.clock())
    if as_json:
        show_json(found)
    else:
        show(ledger.status_lines(found))


COMMANDS = (orders, status)
