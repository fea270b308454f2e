"""Commands for trying it out on one machine: sandbox, demo."""

from __future__ import annotations

import sys
from threading import Event

import click

from adapter.axon import sandbox as conversion_api
from adapter.cli.opening import stop_on_signals
from adapter.operations import demo as demonstration


@click.command()
@click.option("--port", default=8099, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one.")
def sandbox(port: int) -> None:
    """Run a local Conversion API that behaves as AppLovin's page says. GET /received shows what came in."""
    stop = Event()
    stop_on_signals(stop)
    try:
        conversion_api.serve(port, until=stop)
    except OSError as error:
        raise click.ClickException(
            f"can't listen on 127.0.0.1:{port}: {error.strerror}; choose another --port"
        ) from None


@click.command()
@click.option("--stay", is_flag=True, help="Keep everything running after the table, until Ctrl-C.")
def demo(*, stay: bool) -> None:
    """Play the main job with two invented shops and a local Conversion API; exit 1 when a line isn't as expected."""
    if not demonstration.run(click.echo, stay=demonstration.until_interrupted if stay else None):
        sys.exit(1)


COMMANDS = (sandbox, demo)
