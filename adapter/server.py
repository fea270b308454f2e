"""gunicorn's settings, named in the Procfile: `gunicorn --config python:adapter.server 'adapter.app:create_app()'`.

Threads, because a request waits for a commit most of its time. The master checks the configuration before it opens
the port; each worker that delivers by itself (EMBEDDED_DELIVERY) does so from one thread, which stops first.
"""

from __future__ import annotations

import os
import sys
from threading import Thread
from typing import Any

import structlog

from adapter.delivery.worker import Worker
from adapter.errors import ConfigurationRefused
from adapter.logs import configure_logs, gunicorn_logs
from adapter.settings import load_settings
from adapter.storage.migrate import migrate
from adapter.wiring import Parts, load_configuration

_log = structlog.get_logger()


def _or_exit(error: ConfigurationRefused) -> None:
    for problem in error.problems:
        sys.stderr.write(f"{problem}\n")
    sys.exit(1)


try:
    _settings = load_settings(os.environ)
except ConfigurationRefused as refused:
    _or_exit(refused)
    raise

bind = [f"0.0.0.0:{_settings.port}"]
workers = _settings.web_concurrency
worker_class = "gthread"
threads = 16
timeout = 30
graceful_timeout = 25
keepalive = 5
max_requests = 0
limit_request_line = 4094
limit_request_fields = 100
limit_request_field_size = 8190
forwarded_allow_ips = "*"  # Only for the scheme; the client's address comes by TRUSTED_PROXIES alone.
logconfig_dict = dict(gunicorn_logs(_settings.log_level))

_workers: list[tuple[Worker, Thread]] = []


def on_starting(_server: Any) -> None:  # noqa: ANN401  # gunicorn's arbiter.
    """Check everything before the port opens, and on SQLite bring the file to its newest schema."""
    configure_logs(_settings.log_level)
    try:
        configuration = load_configuration(os.environ)
    except ConfigurationRefused as error:
        _or_exit(error)
        raise
    for shop in configuration.shops:
        _log.info("shop", name=shop.name, on=shop.is_on, off_because=shop.off, notices=shop.notices)
    if not configuration.shops.on():
        sys.stderr.write("no shop is on: set the webhook secret of one; `adapter check` lists what is missing\n")
        sys.exit(1)
    if _settings.sqlite_path is not None:
        parts = Parts(configuration)
        migrate(parts.engine)
        parts.engine.dispose()


def post_worker_init(_worker: Any) -> None:  # noqa: ANN401  # gunicorn's worker.
    """Start delivering from a thread of this worker, when it is to."""
    configure_logs(_settings.log_level)
    if not _settings.embedded_delivery:
        return
    worker = Parts(load_configuration(os.environ)).worker()
    thread = Thread(target=worker.run, name="delivery", daemon=True)
    thread.start()
    _workers.append((worker, thread))


def worker_exit(_server: Any, _worker: Any) -> None:  # noqa: ANN401  # gunicorn's arbiter and worker.
    """Let the request in hand end, then stop delivering."""
    for worker, thread in _workers:
        worker.stop.set()
        thread.join(timeout=graceful_timeout)
