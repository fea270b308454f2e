"""The oldest clicks are found by an index, so that the table can be kept bounded.

Processes of the version before go on working: their queries use the new index as they did the old one.
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Put the clock's time behind the uptime."""
    op.create_index("clicks_oldest", "clicks", ["changed_uptime", "last_at"])
    op.drop_index("clicks_by_uptime", "clicks")
