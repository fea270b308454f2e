"""What stays of an event without anything personal, and the numbers of each day. It only adds.

Processes of the version before go on working; what they deliver has no facts, and isn't counted.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_CARRIED = ("aleid", "axwrt", "alart", "client_id", "email", "phone", "ip", "user_agent")


def upgrade() -> None:
    """Add the columns and the table."""
    for name in ("carries", "value", "currency"):
        op.add_column("purchases", sa.Column(name, sa.Text))
    op.create_table(
        "days",
        sa.Column("shop", sa.Text, primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("currency", sa.Text, primary_key=True),
        sa.Column("delivered", sa.Integer, nullable=False),
        sa.Column("value", sa.Numeric(38, 0).with_variant(sa.Integer(), "sqlite"), nullable=False),
        *(sa.Column(f"with_{name}", sa.Integer, nullable=False) for name in _CARRIED),
        *(sa.Column(f"within_{bound}", sa.Integer, nullable=False) for bound in ("10s", "1min", "5min", "1h")),
    )
