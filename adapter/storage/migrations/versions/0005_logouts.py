"""Sessions of the console that were ended are known to every process. It only adds."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from adapter.storage.tables import UTCDateTime

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "logouts",
        sa.Column("session", sa.Text, primary_key=True),
        sa.Column("until", UTCDateTime, nullable=False),
    )
