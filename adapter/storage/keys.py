"""The secret beside a SQLite file: generated once, readable by its owner alone."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from adapter.errors import ConfigurationRefused, Problem
from adapter.settings import Settings


def secrets_of(settings: Settings, notice: Callable[[str], None]) -> tuple[str, ...]:
    """Return the newest secret and its fallbacks.

    Without `SECRET_KEY`, on SQLite, a secret is generated next to the database file on first use (mode 0600) and
    `notice` is told. Raise `ConfigurationRefused` when that file can't be written or read.
    """
    if settings.secret_key is not None:
        return (settings.secret_key, *settings.secret_key_fallbacks)
    if settings.sqlite_path is None:
        raise ConfigurationRefused([Problem("SECRET_KEY", "", "is not set")])
    path = settings.sqlite_path.with_name(settings.sqlite_path.name + ".key")
    return (_read_or_generate(path, notice), *settings.secret_key_fallbacks)


def _read_or_generate(path: Path, notice: Callable[[str], None]) -> str:
    try:
        if not path.exists():
            _generate(path, notice)
        secret = path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        hint = "make the folder writable, or set SECRET_KEY"
        raise ConfigurationRefused([Problem(str(path), "", f"can't be used ({type(error).__name__})", hint)]) from None
    if not secret:
        raise ConfigurationRefused([Problem(str(path), "", "is empty", "put the lost key back, or delete both files")])
    return secret


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
