"""From the environment to the parts of a process: every problem at once, one of each part."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from adapter.errors import ConfigurationRefused, StorageUnavailable
from adapter.storage.arrivals import Receipt
from adapter.storage.migrate import migrate
from adapter.wiring import Parts, load_configuration

MAPPINGS = Path(__file__).parents[1] / "mappings"


def test_settings_and_shops() -> None:
    """A right environment gives the settings and the shops of the mapping files."""
    found = load_configuration({"MAPPINGS_DIR": str(MAPPINGS), "PORT": "8001"})
    assert 8001 == found.settings.port
    assert ["shopify", "woocommerce"] == [shop.name for shop in found.shops]


def problems(environment: dict[str, str]) -> list[tuple[str, str]]:
    """Return where each problem is."""
    with pytest.raises(ConfigurationRefused) as refused:
        load_configuration(environment)
    return [(problem.where.rpartition("/")[2], problem.path) for problem in refused.value.problems]


def test_every_problem_at_once(tmp_path: Path) -> None:
    """Problems of the settings and of the mapping files come in one list."""
    (tmp_path / "acme.toml").write_text('extends = "shopify"\n[orders]\ncount = "sold"\n')
    environment = {"MAPPINGS_DIR": str(tmp_path), "PORT": "none", "AXON_API_URL": "http://axon.example"}
    assert [("PORT", ""), ("AXON_API_URL", ""), ("acme.toml", "orders.count")] == problems(environment)


def test_problems_of_one_kind(tmp_path: Path) -> None:
    """Settings alone, or mapping files alone, are enough to be refused."""
    assert [("PORT", "")] == problems({"MAPPINGS_DIR": str(MAPPINGS), "PORT": "none"})
    (tmp_path / "acme.toml").write_text('extends = "shopify"\n[orders]\ncount = "sold"\n')
    assert [("acme.toml", "orders.count")] == problems({"MAPPINGS_DIR": str(tmp_path)})


@pytest.fixture
def parts(tmp_path: Path, clock: Any) -> Parts:
    """Return the parts on a database that isn't there yet."""
    environment = {
        "MAPPINGS_DIR": str(MAPPINGS),
        "DATABASE_URL": f"sqlite:///{tmp_path}/adapter.db",
        "LEASE_SECONDS": "77",
    }
    return Parts(load_configuration(environment), clock)


def test_one_of_each(parts: Parts) -> None:
    """Each part is made once and shared."""
    for name in ("engine", "sealer", "purchases", "clicks", "destinations"):
        assert getattr(parts, name) is getattr(parts, name)
    parts.engine.dispose()


def test_the_use_cases(parts: Parts, clock: Any) -> None:
    """Intake and worker share the stores and the clock; the worker gets the lease of the settings."""
    migrate(parts.engine)
    intake, worker = parts.intake(), parts.worker()
    assert (parts.purchases, clock) == (intake.purchases, intake.clock)
    assert (parts.purchases, parts.clicks, parts.destinations) == (
        worker.purchases,
        worker.clicks,
        worker.destinations,
    )
    assert (77, clock) == (worker.lease.total_seconds(), worker.clock)
    worker.drain()
    parts.engine.dispose()


def test_the_key_is_made_once(parts: Parts) -> None:
    """On SQLite the first use of the sealer makes the key, and says so; nothing else opens the database."""
    with capture_logs() as logs:
        _ = parts.sealer
        Parts(load_configuration({"MAPPINGS_DIR": str(MAPPINGS), "DATABASE_URL": parts.settings.database_url})).sealer  # noqa: B018  # Asked for its effect.
    assert ["secret key generated"] == [line["event"] for line in logs]
    assert ["adapter.db.key"] == [path.name for path in Path(str(parts.settings.sqlite_path)).parent.iterdir()]


def _parts_with(parts: Parts, **changes: str) -> Parts:
    """Return the parts of another process on the same database, with other variables."""
    environment = {"MAPPINGS_DIR": str(MAPPINGS), "DATABASE_URL": parts.settings.database_url}
    return Parts(load_configuration({**environment, **changes}))


def test_the_key_of_what_is_stored(parts: Parts) -> None:
    """Another secret than the one that sealed what is stored is refused; as a fallback that one does."""
    migrate(parts.engine)
    parts.check_key()
    parts.purchases.receive([Receipt(shop="shopify", order_id="1", body=b"{}")], parts.clock())
    parts.check_key()
    parts.engine.dispose()
    secret = Path(f"{parts.settings.sqlite_path}.key").read_text().strip()
    other = _parts_with(parts, SECRET_KEY="x" * 40)
    with pytest.raises(ConfigurationRefused, match="SECRET_KEY: opens 1 of the oldest and newest stored values not"):
        other.check_key()
    other.engine.dispose()
    rotated = _parts_with(parts, SECRET_KEY="x" * 40, SECRET_KEY_FALLBACKS=secret)
    rotated.check_key()
    rotated.engine.dispose()


def test_the_key_where_nothing_can_be_asked(parts: Parts) -> None:
    """A database that is away, or not migrated yet, says nothing about the key."""
    parts.check_key()
    parts.engine.dispose()
    away = _parts_with(parts, DATABASE_URL="postgresql://adapter@127.0.0.1:9/orders", SECRET_KEY="x" * 40)
    away.check_key()
    away.engine.dispose()


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """A database that can't be opened is one error, when it is asked."""
    environment = {"MAPPINGS_DIR": str(MAPPINGS), "DATABASE_URL": f"sqlite:///{tmp_path}/no/adapter.db"}
    made = Parts(load_configuration(environment))
    with pytest.raises(StorageUnavailable, match="unable to open database file"):
        migrate(made.engine)
