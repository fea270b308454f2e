"""How a database stands to this program."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

from adapter.storage import schema
from adapter.storage.schema import MIGRATIONS, revisions


def test_revisions() -> None:
    """They are those that Alembic itself finds, and the last one is its head."""
    script = ScriptDirectory(str(MIGRATIONS))
    assert [revision.revision for revision in script.walk_revisions()] == list(reversed(revisions()))
    assert script.get_current_head() == revisions()[-1]


def test_the_revision_of_a_database(engine: Engine) -> None:
    """It is the one that Alembic itself reads, on both databases; None before the first migration."""
    with engine.connect() as connection:
        assert MigrationContext.configure(connection).get_current_revision() == revisions()[-1]
        assert schema._revision_of(connection) == revisions()[-1]
        connection.execute(text("DROP TABLE alembic_version"))
        assert schema._revision_of(connection) is None
        connection.rollback()


def test_who_only_looks_loads_no_alembic() -> None:
    """The web process's application is there without it."""
    code = (
        "import sys, adapter.app, adapter.storage.schema; print([name for name in sys.modules if 'alembic' in name])"
    )
    root = Path(__file__).parents[2]
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True, timeout=60
    )
    assert said.stdout == "[]\n"
