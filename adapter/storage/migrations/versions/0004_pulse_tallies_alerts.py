"""What the house's health is told from: the worker's pulse, the clock, what was counted, and which causes were told.

It only adds; a worker of the version before doesn't beat, and seems dead until it is replaced.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from adapter.storage.tables import UTCDateTime

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the columns and the tables."""
    op.add_column("uptime", sa.Column("beat_at", UTCDateTime))
    op.add_column("destinations", sa.Column("clock_ahead", sa.Integer))
    op.create_table(
        "tallies",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("subject", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("last_at", UTCDateTime, nullable=False),
    )
    op.create_table(
        "alerts",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("subject", sa.Text, primary_key=True),
        sa.Column("shop", sa.Text),
        sa.Column("destination", sa.Text),
        sa.Column("since", UTCDateTime),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("remedy", sa.Text, nullable=False),
        sa.Column("opened_at", UTCDateTime, nullable=False),
        sa.Column("seen_at", UTCDateTime, nullable=False),
        sa.Column("told", sa.Boolean, nullable=False),
        sa.Column("told_at", UTCDateTime),
        sa.Column("claimed_until", UTCDateTime),
        sa.Column("tries", sa.Integer, nullable=False),
    )
