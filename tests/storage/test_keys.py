"""The secret beside a SQLite file."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

import adapter
from adapter.errors import ConfigurationRefused
from adapter.settings import Settings, load_settings
from adapter.storage import keys
from adapter.storage.arrivals import Receipt
from adapter.storage.engine import open_engine
from adapter.storage.keys import refuse_strangers, secrets_of
from adapter.storage.migrate import migrate
from adapter.storage.purchases import Purchases
from adapter.storage.sealing import Sealer

PROCESS = """
import sys, time
from adapter.settings import load_settings
from adapter.storage.keys import secrets_of
settings = load_settings({"DATABASE_URL": sys.argv[1]})
print("ready", flush=True)
sys.stdin.readline()
print(*secrets_of(settings, lambda notice: None))
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return settings with a SQLite file and no secret."""
    return load_settings({"DATABASE_URL": f"sqlite:///{tmp_path}/adapter.db"})


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """Return where the generated secret belongs."""
    return tmp_path / "adapter.db.key"


def ignore(_notice: str) -> None:
    """Take a notice and do nothing."""


def test_the_environments_secret_is_used(tmp_path: Path) -> None:
    """With SECRET_KEY set nothing is generated, and its fallbacks follow it."""
    settings = load_settings(
        {"DATABASE_URL": f"sqlite:///{tmp_path}/adapter.db", "SECRET_KEY": "new", "SECRET_KEY_FALLBACKS": "old older"}
    )
    assert secrets_of(settings, ignore) == ("new", "old", "older")
    assert list(tmp_path.iterdir()) == []


def test_a_generated_secret_stays(settings: Settings) -> None:
    """The second start uses the secret of the first."""
    first = secrets_of(settings, ignore)
    assert first == secrets_of(settings, ignore)
    assert len(first[0]) == 43  # 32 bytes in base64 without padding.


def test_two_databases_have_two_secrets(settings: Settings, tmp_path: Path) -> None:
    """Secrets are random."""
    other = replace(settings, sqlite_path=tmp_path / "other.db")
    assert secrets_of(settings, ignore) != secrets_of(other, ignore)


def test_only_the_owner_may_read_it(settings: Settings, key_file: Path) -> None:
    """The file has mode 0600, whatever the umask allows, and nothing else is left beside it."""
    before = os.umask(0)
    try:
        secrets_of(settings, ignore)
    finally:
        os.umask(before)
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert [key_file] == list(key_file.parent.iterdir())


def test_the_notice_is_told_once(settings: Settings, key_file: Path) -> None:
    """The operator hears where the secret is and to keep it, the first time alone, and never the secret itself."""
    notices: list[str] = []
    (secret,) = secrets_of(settings, notices.append)
    secrets_of(settings, notices.append)
    assert len(notices) == 1
    assert f"generated one in {key_file}; keep it with the database" in notices[0]
    assert secret not in notices[0]


def test_fallbacks_follow_a_generated_secret(settings: Settings) -> None:
    """Someone who moves from SECRET_KEY to the generated one keeps the old one as a fallback."""
    secret, *fallbacks = secrets_of(replace(settings, secret_key_fallbacks=("old", "older")), ignore)
    assert (43, ["old", "older"]) == (len(secret), fallbacks)


def test_the_folder_is_made(settings: Settings, tmp_path: Path) -> None:
    """The key can be written before the database's folder exists."""
    inside = tmp_path / "data" / "shop" / "adapter.db"
    secrets_of(replace(settings, sqlite_path=inside), ignore)
    assert inside.with_name("adapter.db.key").is_file()


def test_white_space_around_the_secret_is_cut(settings: Settings, key_file: Path) -> None:
    """A key file that was restored by hand may have lost or won a newline."""
    key_file.write_text(" restored\r\n")
    assert secrets_of(settings, ignore) == ("restored",)


@pytest.mark.parametrize("content", ["", "\n", "  \n"])
def test_an_empty_file_is_refused(settings: Settings, key_file: Path, content: str) -> None:
    """A key that got lost is never replaced: what it sealed couldn't be opened any more."""
    key_file.write_text(content)
    with pytest.raises(ConfigurationRefused, match=r"adapter\.db\.key: is empty \(put the lost key back"):
        secrets_of(settings, ignore)
    assert content == key_file.read_text()


@contextmanager
def migrated(settings: Settings) -> Iterator[Engine]:
    """Make the database; yield an engine on it."""
    engine = open_engine(settings)
    try:
        migrate(engine)
        yield engine
    finally:
        engine.dispose()


def store(settings: Settings) -> None:
    """Make the database and store an order in it, sealed with any key."""
    with migrated(settings) as engine:
        Purchases(engine, Sealer(["any"])).receive([Receipt(shop="s", order_id="1", body=b"{}")], datetime.now(UTC))


def test_a_key_that_is_gone_is_refused(settings: Settings, key_file: Path) -> None:
    """A new key beside stored orders would open none of them, and every one that waits would be quarantined."""
    store(settings)
    with pytest.raises(
        ConfigurationRefused, match=r"adapter\.db\.key: is gone, .* \(put the file back, or set SECRET"
    ):
        secrets_of(settings, ignore)
    assert not key_file.exists()


def test_a_database_without_orders_gets_a_key(settings: Settings, key_file: Path) -> None:
    """`adapter migrate` makes the file before anything needs the key."""
    with migrated(settings):
        assert not key_file.exists()
    assert 43 == len(secrets_of(settings, ignore)[0])


def test_a_file_that_is_no_database_gets_a_key(settings: Settings, key_file: Path) -> None:
    """What is wrong with the database is said by whoever opens it, not here."""
    key_file.with_name("adapter.db").write_text("no database")
    assert 43 == len(secrets_of(settings, ignore)[0])


def test_a_key_made_by_another_process_meanwhile(
    settings: Settings, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one may have stored an order already when we look into the database: its key is used."""

    def late(_database: Path) -> bool:
        key_file.write_text("the first one's\n")
        return True

    monkeypatch.setattr(keys, "_holds_anything_sealed", late)
    assert ("the first one's",) == secrets_of(settings, ignore)


def test_a_file_that_is_no_text_is_refused(settings: Settings, key_file: Path) -> None:
    """A key file with other bytes in it is named, and its content isn't shown."""
    key_file.write_bytes(b"canary\xff")
    with pytest.raises(ConfigurationRefused, match=r"adapter\.db\.key: can't be used \(UnicodeDecodeError\)") as error:
        secrets_of(settings, ignore)
    assert "canary" not in str(error.value)


def test_a_file_that_cant_be_read_is_refused(settings: Settings, key_file: Path) -> None:
    """A folder in its place stands for a file that can't be read, which root always can."""
    key_file.mkdir()
    with pytest.raises(
        ConfigurationRefused, match=r"can't be used .* \(make the folder writable, or set SECRET_KEY\)"
    ):
        secrets_of(settings, ignore)


def test_a_folder_that_cant_be_written_is_refused(settings: Settings, tmp_path: Path) -> None:
    """A file where the folder should be stands for a folder that can't be written."""
    (tmp_path / "data").write_text("")
    with pytest.raises(ConfigurationRefused, match="can't be used"):
        secrets_of(replace(settings, sqlite_path=tmp_path / "data" / "adapter.db"), ignore)


def test_a_full_disk_leaves_nothing(settings: Settings, key_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the key can't be written to the end, no half of it stays behind."""

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigurationRefused, match="can't be used"):
        secrets_of(settings, ignore)
    assert list(key_file.parent.iterdir()) == []


def test_postgresql_has_no_place_for_one(settings: Settings) -> None:
    """Without a file there is nowhere to keep a secret, so none is invented."""
    with pytest.raises(ConfigurationRefused, match="SECRET_KEY: is not set"):
        secrets_of(replace(settings, sqlite_path=None), ignore)


def test_the_first_of_two_wins(settings: Settings, key_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that finds the other one's key when it wants to put its own uses that, and is silent."""

    def late(_size: int) -> str:
        key_file.write_text("the first one's\n")
        return "the second one's"

    monkeypatch.setattr(keys.secrets, "token_urlsafe", late)
    notices: list[str] = []
    assert secrets_of(settings, notices.append) == ("the first one's",)
    assert [key_file] == list(key_file.parent.iterdir())
    assert notices == []


@pytest.mark.processes
def test_two_processes_that_start_at_once(settings: Settings, key_file: Path) -> None:
    """Real processes that both find no key end up with the same one."""
    root = str(Path(adapter.__file__).parent.parent)
    command = [sys.executable, "-c", PROCESS, settings.database_url]
    pipe = subprocess.PIPE
    running = [
        subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env={**os.environ, "PYTHONPATH": root})
        for _ in range(4)
    ]
    for process in running:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    printed = {process.communicate(timeout=30)[0].strip() for process in running}
    assert {key_file.read_text().strip()} == printed
    assert [key_file] == list(key_file.parent.iterdir())


def test_strangers_are_refused() -> None:
    """Values that no secret opens are one problem, with every way out; none is fine."""
    refuse_strangers(0)
    with pytest.raises(ConfigurationRefused) as refused:
        refuse_strangers(3)
    ((problem),) = refused.value.problems
    assert str(problem).startswith("SECRET_KEY: opens 3 of the oldest and newest stored values not")
    assert "SECRET_KEY_FALLBACKS" in problem.hint
