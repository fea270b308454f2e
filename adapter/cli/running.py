"""Commands that run the service: migrate, serve, deliver."""

from __future__ import annotations

import gc
import os
import sys
from typing import NoReturn

import click
import structlog

from adapter.alerts.watch import Watch
from adapter.cli.opening import parts, stop_on_signals
from adapter.delivery.worker import Worker
from adapter.settings import Settings
from adapter.storage.migrate import migrate as migrate_database
from adapter.wiring import Parts

_SECONDS_TO_STORE = 2
"""So long a worker that ends waits for its counts to be stored."""

_log = structlog.get_logger()


@click.command()
def migrate() -> None:
    """Bring the database to the newest schema. Safe to run again, and by two at once."""
    _migrate(parts(sys.stderr))
    click.echo("the database is up to date")


def _migrate(house: Parts) -> None:
    migrate_database(house.engine)
    house.check_key()  # A release with another secret ends here, and a host leaves the one before it running.
    house.engine.dispose()


@click.command()
def serve() -> NoReturn:
    """Migrate, then serve webhooks with gunicorn."""
    _migrate(parts())
    command = [sys.executable, "-m", "gunicorn", "--config", "python:adapter.server", "adapter.app:create_app()"]
    os.execv(command[0], command)  # noqa: S606  # gunicorn takes this process's place, so signals reach it.


@click.command()
@click.option("--once", is_flag=True, help="Deliver what is due, then exit.")
def deliver(*, once: bool) -> None:
    """Deliver due orders to the Conversion API, until SIGTERM; the batch in hand is finished."""
    house = parts()
    house.check_key()
    if not once:
        _remark_on_a_shared_file(house.settings)
    worker = house.worker()
    gc.freeze()  # What is there by now lives as long as the process; looking through it again takes 5 % of the time.
    stop_on_signals(worker.stop)
    if once:
        worker.drain()
        house.store_tally()
    else:
        _run_watched(worker, house.watch())


def _run_watched(worker: Worker, watch: Watch) -> None:
    watching = watch.start()
    worker.run()
    watch.stop.set()
    watching.join(_SECONDS_TO_STORE)


def _remark_on_a_shared_file(settings: Settings) -> None:
    if settings.sqlite_path is not None and settings.embedded_delivery:
        hint = "the web process delivers by itself; stop this worker, or use PostgreSQL"
        _log.warning("a worker of its own shares a SQLite file with the web process", hint=hint)


COMMANDS = (migrate, serve, deliver)
