"""gunicorn's settings, named in the Procfile: `gunicorn --config python:adapter.server 'adapter.app:create_app()'`.

Greenlets, because a request waits for a commit most of its time, and a slow client for longer; what the other kinds of
worker did instead stands in `adapter.web.connections`. The whole configuration is checked when gunicorn reads this
module, before it opens the port; each worker that delivers by itself (EMBEDDED_DELIVERY) does so beside its requests.
"""

from __future__ import annotations

import adapter.cooperation  # noqa: F401  # pyright: ignore[reportUnusedImport]  # First of all: it says why.

# isort: split
import gc
import os
import sys
from threading import Thread
from typing import Any, NoReturn

import structlog

from adapter.alerts.watch import Watch
from adapter.delivery.worker import Worker
from adapter.errors import AdapterError, ConfigurationRefused
from adapter.logs import configure_logs, gunicorn_logs
from adapter.storage.schema import Schema, schema_of
from adapter.web.connections import IDLE_SECONDS, closing_as_told
from adapter.wiring import Configuration, Parts, load_configuration

_SECONDS_TO_STORE = 2
"""So long a process that ends waits for its counts to be stored; they are no orders."""

_log = structlog.get_logger()


def _exit_with(*problems: object) -> NoReturn:
    for problem in problems:
        sys.stderr.write(f"{problem}\n")
    sys.exit(1)


def _configuration() -> Configuration:
    try:
        configuration = load_configuration(os.environ)
    except ConfigurationRefused as refused:
        _exit_with(*refused.problems)
    if not configuration.shops.on():
        _exit_with("no shop is on: set the webhook secret of one; `adapter check` lists what is missing")
    return configuration


_checked = _configuration()
_settings = _checked.settings

bind = [f"0.0.0.0:{_settings.port}"]
workers = _settings.web_concurrency
worker_class = "adapter.web.connections.PunctualWorker"
worker_connections = _settings.max_connections
timeout = 30
graceful_timeout = 25
keepalive = IDLE_SECONDS
max_requests = 0
limit_request_line = 4094
limit_request_fields = 100
limit_request_field_size = 8190
# TRUSTED_PROXIES alone decides who is believed. With "*" gunicorn would also take SCRIPT_NAME and PATH_INFO from
# anybody's headers (https://gunicorn.org/reference/settings/#forwarder_headers).
forwarded_allow_ips = ""
forwarder_headers = ""
control_socket_disable = True  # It would be made in the user's home, which may be read-only, and nobody uses it.
logger_class = "adapter.web.connections.WithoutAccessLog"
logconfig_dict = dict(gunicorn_logs(_settings.log_level))

_delivering: list[tuple[Worker, Thread]] = []
_watching: list[tuple[Watch, Thread]] = []


def on_starting(server: Any) -> None:  # noqa: ANN401  # gunicorn's arbiter.
    """Say which shops are on; on SQLite make the key and bring the file to its newest schema.

    Then make the application, which the processes have in common when it is there before they are forked: that is 25
    MB of 140 with one process, and more with each other one. And all of them go by the same mapping files.
    """
    configure_logs(_settings.log_level)
    for notice in _settings.notices:
        _log.warning("setting", notice=notice)
    for shop in _checked.shops:
        _log.info("shop", name=shop.name, on=shop.is_on, off_because=shop.off, notices=shop.notices)
    try:
        _prepare_storage(Parts(_checked))
        server.app.wsgi()
    except AdapterError as error:
        _exit_with(error)


def on_reload(server: Any) -> None:  # noqa: ANN401  # gunicorn's arbiter.
    """Make the application anew at a SIGHUP; as long as the files can't be used, the one before stays."""
    before, server.app.callable = server.app.callable, None
    try:
        server.app.wsgi()
    except AdapterError as error:
        server.app.callable = before
        hint = "mend that and send SIGHUP again; until then orders are taken as before"
        _log.error("not reloaded", problem=str(error), hint=hint)


def _prepare_storage(parts: Parts) -> None:
    _ = parts.sealer
    if parts.settings.sqlite_path is not None and schema_of(parts.engine) is not Schema.NEWEST:
        _migrate(parts)
    parts.check_key()
    parts.engine.dispose()  # No connection is open when gunicorn forks.


def _migrate(parts: Parts) -> None:
    from adapter.storage.migrate import migrate  # noqa: PLC0415  # `adapter.storage.schema` says why only here.

    migrate(parts.engine)


def post_worker_init(gunicorn_worker: Any) -> None:  # noqa: ANN401  # gunicorn's worker.
    """Start this process's watch, and deliver beside it, when it is to."""
    configure_logs(_settings.log_level)
    parts = Parts(gunicorn_worker.wsgi.extensions["configuration"])
    parts.tally = gunicorn_worker.wsgi.extensions["tally"]
    gunicorn_worker.wsgi = closing_as_told(gunicorn_worker.wsgi)
    watch = parts.watch()
    _watching.append((watch, watch.start()))
    gc.freeze()  # What is there by now lives as long as the process; looking through it again takes 5 % of the time.
    if not _settings.embedded_delivery:
        return
    worker = parts.worker()
    thread = Thread(target=worker.run, name="delivery", daemon=True)
    thread.start()
    _delivering.append((worker, thread))


def worker_exit(_server: Any, _worker: Any) -> None:  # noqa: ANN401  # gunicorn's arbiter and worker.
    """Let the request to the API that is in hand end, then stop delivering; store what was counted."""
    for worker, _thread in _delivering:
        worker.stop.set()
    for _worker_of_thread, thread in _delivering:
        thread.join(timeout=graceful_timeout)
    for watch, thread in _watching:
        watch.stop.set()
        thread.join(timeout=_SECONDS_TO_STORE)
