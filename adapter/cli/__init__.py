"""The `adapter` command: reads its options, puts the parts together and calls one operation each."""

from __future__ import annotations

import click

from adapter import __version__
from adapter.cli import alerting, checking, keys, mappings, orders, running, storefront, trying
from adapter.cli.terminal import exit_with
from adapter.errors import AdapterError, StorageUnavailable


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="adapter")
def cli() -> None:
    """Signed shop orders become purchase events at AppLovin's Conversion API."""


_MODULES = (checking, mappings, storefront, running, orders, alerting, keys, trying)

for _command in (command for module in _MODULES for command in module.COMMANDS):
    cli.add_command(_command)


def main() -> None:
    """Run the command; an error raised on purpose is shown as its message, one line a problem, and exits with 1."""
    try:
        cli(prog_name="adapter")
    except StorageUnavailable as error:
        hint = "is it there, may this user use it, and has `adapter migrate` run?"
        exit_with(f"the database can't be used: {error} ({hint})")
    except AdapterError as error:
        exit_with(str(error))
