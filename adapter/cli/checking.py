"""The command about the whole set-up: check, which looks at the files, or with --live at everything."""

from __future__ import annotations

import secrets
import sys

import click

from adapter.axon.client import AxonClient
from adapter.cli.opening import configuration, parts, shop_named
from adapter.cli.terminal import show
from adapter.operations import check as checking
from adapter.operations import live
from adapter.operations.live import page_view
from adapter.operations.live.finding import Finding, fact_lines, step_lines
from adapter.operations.live.service import over_http
from adapter.shops.addresses import is_site
from adapter.shops.shop import Shop
from adapter.wiring import Parts


def _address(_context: click.Context, _parameter: click.Parameter, url: str | None) -> str | None:
    if url is None:
        return None
    if not is_site(url):
        raise click.BadParameter("it must be like https://adapter.shop.example, without a query")
    return url.rstrip("/")


@click.command()
@click.option("--live", "is_live", is_flag=True, help="Also look at the database, the running service and Axon.")
@click.option("--url", callback=_address, help="With --live: the public address of the running service.")
@click.option(
    "--send-test-event",
    "test_shop",
    metavar="SHOP",
    help="With --live: send Axon one page_view of this shop, no purchase.",
)
def check(url: str | None, test_shop: str | None, *, is_live: bool) -> None:
    """Check settings and mapping files; list every problem and exit 1, or say what would run.

    With --live walk the whole set-up, up to the first order of each shop, and say what to do next, in order; exit 1
    when something is wrong. It asks the running service with signed deliveries that are ignored there, stores nothing,
    and sends nothing to Axon unless --send-test-event asks for it.
    """
    if not is_live and (url or test_shop):
        raise click.UsageError("--url and --send-test-event go with --live")
    if is_live:
        _check_live(url, test_shop)
    else:
        found = configuration()
        show(checking.describe(found.settings, found.shops))


def _check_live(url: str | None, test_shop: str | None) -> None:
    house = parts(sys.stderr)
    shop = shop_named(house.shops, test_shop) if test_shop else None
    findings = list(live.look(house.setup(), url, over_http, test_shop))
    if shop is not None:
        findings.append(_send_page_view(house, shop))
    show(fact_lines(findings))
    show(step_lines(findings))
    if not all(finding.is_right for finding in findings):
        sys.exit(1)


def _send_page_view(house: Parts, shop: Shop) -> Finding:
    event = page_view.page_view(shop, house.clock(), secrets.token_hex(8))
    if shop.destination is not None:
        show([page_view.announcement(shop.destination, event)])
    return page_view.send(shop, event, AxonClient(house.clock))


COMMANDS = (check,)
