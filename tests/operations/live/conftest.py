"""A set-up to look at, and the service running beside it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from adapter.app import create_app
from adapter.operations.live.service import Ask, Reply
from adapter.platforms.webhook import WebhookRequest
from adapter.storage.pulse import Pulse
from adapter.wiring import Parts, load_configuration

ROOT = Path(__file__).parents[3]
ENVIRONMENT = {
    "MAPPINGS_DIR": str(ROOT / "mappings"),
    "SECRET_KEY": "a-secret-of-tests-with-32-characters-or-more",
    "SHOPIFY_WEBHOOK_SECRET": "shpss_4f8a1c0e9b7d2a63",
    "SHOPIFY_SITE_URL": "https://shop.example",
    "AXON_PIXEL_ID": "pixel",
    "AXON_API_KEY": "key",
}


@pytest.fixture
def make_parts(migrated_file: Path, tmp_path: Path, clock: Any) -> Iterator[Callable[..., Parts]]:
    """Return what makes the parts of a process on one SQLite file, with changed variables; a worker runs beside it."""
    made: list[Parts] = []
    path = tmp_path / "adapter.db"

    def make(*, migrated: bool = True, delivered: bool = True, **changes: str) -> Parts:
        environment = {**ENVIRONMENT, "DATABASE_URL": f"sqlite:///{path}", **changes}
        parts = Parts(load_configuration(environment), clock)
        made.append(parts)
        if migrated and not path.exists():
            shutil.copy(migrated_file, path)
        if migrated and delivered:
            Pulse(parts.engine).beat(clock())
        return parts

    yield make
    for parts in made:
        parts.engine.dispose()


@pytest.fixture
def asking() -> Callable[[Parts], Ask]:
    """Return what asks the service that these parts make, at any address, without a network."""

    def asking_service(parts: Parts) -> Ask:
        client = create_app(parts).test_client()

        def ask(method: str, url: str, delivery: WebhookRequest | None) -> Reply:
            sent = {"headers": dict(delivery.headers), "data": delivery.body} if delivery else {}
            path = url.removeprefix("https://adapter.example")
            answer = client.open(path, method=method, **sent)  # type: ignore[arg-type]  # werkzeug's many keywords.
            return Reply(answer.status_code, answer.json or {})

        return ask

    return asking_service
