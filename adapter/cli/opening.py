"""What a command works with: the checked configuration, the parts of the house, one shop by its name."""

from __future__ import annotations

import os
import signal
from threading import Event
from types import FrameType
from typing import TextIO

import click

from adapter.logs import configure_logs
from adapter.shops.shop import Shop, Shops
from adapter.wiring import Configuration, Parts, load_configuration


def configuration() -> Configuration:
    """Return settings and shops of the environment; raise `ConfigurationRefused`."""
    return load_configuration(os.environ)


def parts(logs: TextIO | None = None) -> Parts:
    """Return the parts, with logs on stdout, or elsewhere when stdout is for what was asked for."""
    found = configuration()
    configure_logs(found.settings.log_level, logs)
    return Parts(found)


def shop_named(shops: Shops, name: str) -> Shop:
    """Return the shop that `--shop` names; raise `click.BadParameter` when there is none."""
    shop = shops.get(name)
    if shop is None:
        known = ", ".join(shop.name for shop in shops)
        raise click.BadParameter(f"there is no shop {name!r}; known: {known}", param_hint="--shop")
    return shop


def stop_on_signals(stop: Event) -> None:
    """Set `stop` on SIGTERM and SIGINT, instead of ending at once."""

    def set_stop(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, set_stop)
