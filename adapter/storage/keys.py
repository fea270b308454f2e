"""The secret beside a SQLite file: generated once, readable by its owner alone."""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from adapter.errors import ConfigurationRefused, Problem
from adapter.settings import Settings

_ANYTHING_SEALED = "SELECT 1 FROM purchases WHERE body IS NOT NULL UNION ALL SELECT 1 FROM clicks LIMIT 1"


def secrets_of(settings: Settings, notice: Callable[[str], None]) -> tuple[str, ...]:
    """Return the newest secret and its fallbacks.

    Without `SECRET_KEY`, on SQLite, a secret is generated next to the database file on first use (mode 0600) and
    `notice` is told. Raise `ConfigurationRefused` when that file can't be written or read, or is gone although
    something in the database was sealed: a new secret would open nothing of it.
    """
    if settings.secret_key is not None:
        return (settings.secret_key, *settings.secret_key_fallbacks)
    if settings.sqlite_path is None:
        raise ConfigurationRefused([Problem("SECRET_KEY", "", "is not set")])
    return (_read_or_generate(settings.sqlite_path, notice), *settings.secret_key_fallbacks)


def refuse_strangers(values: int) -> None:
    """Raise `ConfigurationRefused` when there are values that no secret known here opens.

    Started all the same, the service would quarantine orders that wait, and seal new ones with the wrong secret.
    """
    if values:
        message = f"opens {values} of the oldest and newest stored values not: they were sealed with another secret"
        hint = (
            "set it to the secret that was in use, or put that one into SECRET_KEY_FALLBACKS; what a lost secret has"
            " sealed is lost, and then only an empty database helps"
        )
        raise ConfigurationRefused([Problem("SECRET_KEY", "", message, hint)])


def _read_or_generate(database: Path, notice: Callable[[str], None]) -> str:
    path = database.with_name(database.name + ".key")
    try:
        if not path.exists():
            _refuse_when_lost(path, database)
            _generate(path, notice)
        secret = path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        hint = "make the folder writable, or set SECRET_KEY"
        raise ConfigurationRefused([Problem(str(path), "", f"can't be used ({type(error).__name__})", hint)]) from None
    if not secret:
        raise ConfigurationRefused([Problem(str(path), "", "is empty", "put the lost key back, or delete both files")])
    return secret


def _refuse_when_lost(path: Path, database: Path) -> None:
    # Another process may have made the key, and stored an order, since we looked: then the key is there now.
    if _holds_anything_sealed(database) and not path.exists():
        hint = "put the file back, or set SECRET_KEY to the secret that was in use; or delete the database, too"
        raise ConfigurationRefused([Problem(str(path), "", "is gone, and what is stored was sealed with it", hint)])


def _holds_anything_sealed(database: Path) -> bool:
    if not database.exists():
        return False
    try:
        with closing(sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            return connection.execute(_ANYTHING_SEALED).fetchone() is not None
    except sqlite3.Error:
        return False  # No tables yet, or no database at all: whoever opens it next says so.


def _generate(path: Path, notice: Callable[[str], None]) -> None:
    """Write a new key under another name first: two processes that start at once end up with the same one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink(missing_ok=True)
    notice(f"SECRET_KEY is not set: generated one in {path}; keep it with the database, without it nothing opens")
