"""The command about alerts."""

from __future__ import annotations

import click

from adapter.alerts.trial import place_lines, try_lines
from adapter.cli.opening import configuration
from adapter.cli.terminal import show


@click.command()
@click.option("--test", "is_test", is_flag=True, help="Send a message through each; with 1 when one isn't taken.")
def alerts(*, is_test: bool) -> None:
    """Show where alerts go."""
    channels = configuration().channels
    show(try_lines(channels) if is_test else place_lines(channels))


COMMANDS = (alerts,)
