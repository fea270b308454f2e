"""Alembic runs this file; the connection, its transaction and its lock come from `adapter.storage.migrate`."""

from __future__ import annotations

from alembic import context

from adapter.storage.tables import metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=False
)
context.run_migrations()
