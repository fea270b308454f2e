"""Age is counted in uptime; settled orders and click keys can be counted by what they need.

It only adds, so that processes of the version before go on working: what they write gets its uptime at the next sweep.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from adapter.storage.tables import UTCDateTime

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the uptime, its columns and the indexes that purging and counting use."""
    op.create_table(
        "uptime",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("seconds", sa.Integer, nullable=False),
        sa.Column("looked_at", UTCDateTime),
    )
    op.execute("INSERT INTO uptime (id, seconds) VALUES (1, 0)")
    op.add_column("purchases", sa.Column("changed_uptime", sa.Integer))
    op.add_column("clicks", sa.Column("changed_uptime", sa.Integer))
    op.add_column("clicks", sa.Column("hashed_with", sa.LargeBinary))
    op.execute(
        "UPDATE purchases SET settled_at = refreshed_at"
        " WHERE settled_at IS NULL AND state IN ('delivered', 'skipped', 'quarantined')"
    )
    kept, settled = sa.text("body IS NOT NULL"), sa.text("settled_at IS NOT NULL")
    op.create_index("purchases_kept", "purchases", ["changed_uptime"], sqlite_where=kept, postgresql_where=kept)
    op.create_index(
        "purchases_settled",
        "purchases",
        ["shop", "state", "settled_at"],
        sqlite_where=settled,
        postgresql_where=settled,
    )
    op.create_index("clicks_by_uptime", "clicks", ["changed_uptime"])
    op.drop_index("clicks_by_age", "clicks")
