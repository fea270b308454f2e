"""Whether orders can be stored: the database is there, is migrated, takes rows and opens with this secret."""

from __future__ import annotations

from adapter.errors import ConfigurationRefused, StorageUnavailable
from adapter.operations.live.finding import Finding, Setup, missing_file, wrong
from adapter.storage.schema import Schema, schema_of


def look(setup: Setup) -> list[Finding]:
    """Return what is wrong with the database, or that it is as it should be."""
    path = setup.settings.sqlite_path
    if path is not None and not path.exists():
        return [missing_file(path)]
    name = f"SQLite, {path}" if path is not None else "PostgreSQL"
    try:
        stores = setup.stores()
        schema = schema_of(stores.engine)
        if schema is not Schema.NEWEST:
            return [_of_another_version(name, schema)]
        stores.purchases.check_writable()
        stores.check_key()
    except StorageUnavailable as error:
        step = "look at DATABASE_URL: is the database up, and may this user write to it?"
        return [wrong(f"database: {name}, can't be used: {error}", step)]
    except ConfigurationRefused as refused:
        return [wrong(f"{problem.where}: {problem.message}", problem.hint) for problem in refused.problems]
    return [Finding(f"database: {name}, at the newest schema, takes rows; the secret opens what is stored")]


def _of_another_version(name: str, schema: Schema) -> Finding:
    if schema is Schema.UNKNOWN:
        return wrong(f"database: {name}, was changed by a newer version", "run that version, or a newer one")
    return wrong(f"database: {name}, isn't at the newest schema", "run `adapter migrate`")
