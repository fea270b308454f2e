"""The command about what runs in the shop: snippets."""

from __future__ import annotations

import os
import re

import click

from adapter.cli.opening import shop_named
from adapter.cli.terminal import show
from adapter.shops.addresses import is_site
from adapter.web.storefront import snippets as storefront
from adapter.wiring import load_mappings

_PLAIN_ADDRESS = re.compile(r"[A-Za-z0-9.:/\[\]_~-]+")


def _address(_context: click.Context, _parameter: click.Parameter, url: str | None) -> str:
    if url is None:
        return storefront.PLACEHOLDER
    if not is_site(url) or not _PLAIN_ADDRESS.fullmatch(url):
        raise click.BadParameter("it must be like https://adapter.shop.example, without a query")
    return url.rstrip("/")


@click.command()
@click.option("--shop", "shop_name", required=True, help="The shop: the name of its mapping file.")
@click.option("--url", "address", callback=_address, help="Where the shop's pages reach this service: https://…")
@click.option("--part", type=click.Choice(storefront.PARTS), help="Only this one, without a word around it.")
def snippets(shop_name: str, address: str, part: str | None) -> None:
    """Print what to paste where in the shop, so that click identifiers reach the service. Sends nothing."""
    shop = shop_named(load_mappings(os.environ), shop_name)
    if part is None:
        show(storefront.lines(shop, address))
        return
    found = storefront.snippets(shop, address)
    if part not in found:
        raise click.BadParameter(f"a {shop.platform} shop has {', '.join(found)}", param_hint="--part")
    click.echo(found[part].text, nl=False)
    for note in storefront.notes(shop, address):
        click.echo(f"note: {note}", err=True)


COMMANDS = (snippets,)
