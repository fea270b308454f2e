"""Commands about the keys: reseal."""

from __future__ import annotations

import sys

import click

from adapter.cli.opening import parts
from adapter.cli.terminal import show
from adapter.operations import resealing


@click.command()
def reseal() -> None:
    """Seal everything that is stored with the newest SECRET_KEY, and say which fallbacks are still needed.

    It works beside the running service. Interrupted, it goes on when it is run again.
    """
    house = parts(sys.stderr)
    show(resealing.reseal(house.resealing(), house.sealer.key_ids, house.settings.retention))


COMMANDS = (reseal,)
