"""Commands about the ledger: orders, status, retry, resume."""

from __future__ import annotations

import sys

import click

from adapter.cli.opening import parts, shop_named
from adapter.cli.terminal import show, show_json
from adapter.operations import ledger, retrying
from adapter.operations.status import health_for_programs, health_lines, status_for_programs, status_lines
from adapter.storage.tables import State


@click.command()
@click.option("--state", type=click.Choice([state.value for state in State]), help="Only orders in this state.")
@click.option("--shop", "shop_name", help="Only orders of this shop.")
@click.option("--reason", help="Only orders whose reason holds this text.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 100_000))
@click.option("--json", "as_json", is_flag=True, help="For programs: one JSON list.")
def orders(state: str | None, shop_name: str | None, reason: str | None, limit: int, *, as_json: bool) -> None:
    """List the newest orders with their state and reason."""
    purchases = parts(sys.stderr).purchases
    rows = purchases.rows(state=State(state) if state else None, shop=shop_name, reason=reason, limit=limit)
    if as_json:
        show_json([ledger.order_for_programs(row) for row in rows])
    else:
        show(ledger.order_lines(rows))


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def status(*, as_json: bool) -> None:
    """Show what is wrong and what to do, how many orders are in each state, and how each destination is."""
    house = parts(sys.stderr)
    health = health_for_programs(house.examination().facts())
    found = status_for_programs(house.shops, house.purchases, house.destinations, house.clock())
    if as_json:
        show_json(found | health)
    else:
        show([*health_lines(health), *status_lines(found)])


@click.command()
@click.argument("order", required=False)
@click.option("--shop", "shop_name", help="The order's shop; with --all-quarantined only orders of this one.")
@click.option("--all-quarantined", is_flag=True, help="Every quarantined order whose body is kept.")
def retry(order: str | None, shop_name: str | None, *, all_quarantined: bool) -> None:
    """Make a quarantined, skipped or expired ORDER due again; with 1 when that can't be, and why.

    Its event is made anew by the present mapping, unless an earlier try may have been accepted: then the same bytes
    are sent.
    """
    if all_quarantined == (order is not None) or (order is not None and shop_name is None):
        raise click.UsageError("give either ORDER and --shop NAME, or --all-quarantined")
    house = parts(sys.stderr)
    shop = shop_named(house.shops, shop_name) if shop_name else None
    if order is not None and shop is not None:
        show(retrying.retry_order(house.retries(), shop, order, house.clock()))
    else:
        show(retrying.retry_quarantined(house.retries(), house.shops, shop, house.clock()))


@click.command()
@click.option("--shop", "shop_name", required=True, help="The shop whose destination is to be asked again.")
def resume(shop_name: str) -> None:
    """End the pause of a shop's destination at once, when the cause is mended."""
    house = parts(sys.stderr)
    show(retrying.resume(house.destinations, house.shops, shop_named(house.shops, shop_name), house.clock()))


COMMANDS = (orders, status, retry, resume)
