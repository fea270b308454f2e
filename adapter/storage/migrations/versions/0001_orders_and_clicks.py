"""Orders, clicks and destinations."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from adapter.storage.tables import ID, UTCDateTime

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "purchases",
        sa.Column("id", ID, primary_key=True, autoincrement=True),
        sa.Column("shop", sa.Text, nullable=False),
        sa.Column("order_id", sa.Text, nullable=False),
        sa.Column("token_hash", sa.Text),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("body", sa.LargeBinary),
        sa.Column("body_hash", sa.LargeBinary, nullable=False),
        sa.Column("body_at", UTCDateTime),
        sa.Column("counts", sa.Boolean, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("received_at", UTCDateTime, nullable=False),
        sa.Column("refreshed_at", UTCDateTime, nullable=False),
        sa.Column("age_seconds", sa.Integer),
        sa.Column("due_at", UTCDateTime, nullable=False),
        sa.Column("lease_until", UTCDateTime),
        sa.Column("fence", sa.Integer, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("event", sa.LargeBinary),
        sa.Column("fixed", sa.Boolean, nullable=False),
        sa.Column("suspect_at", UTCDateTime),
        sa.Column("answer", sa.Text),
        sa.Column("first_sent_at", UTCDateTime),
        sa.Column("settled_at", UTCDateTime),
        sa.UniqueConstraint("shop", "order_id", name="purchases_one_per_order"),
    )
    waiting = sa.text("state IN ('pending', 'delivering')")
    op.create_index("purchases_due", "purchases", ["shop", "due_at"], sqlite_where=waiting, postgresql_where=waiting)
    op.create_index("purchases_by_state", "purchases", ["state", "id"])
    op.create_table(
        "clicks",
        sa.Column("key", sa.LargeBinary, primary_key=True),
        sa.Column("shop", sa.Text, nullable=False),
        sa.Column("identifiers", sa.LargeBinary, nullable=False),
        sa.Column("first_at", UTCDateTime, nullable=False),
        sa.Column("last_at", UTCDateTime, nullable=False),
    )
    op.create_index("clicks_by_age", "clicks", ["last_at"])
    op.create_table(
        "awaited_clicks",
        sa.Column("key", sa.LargeBinary, primary_key=True),
        sa.Column("purchase_id", ID, sa.ForeignKey("purchases.id", ondelete="CASCADE"), primary_key=True),
    )
    op.create_table(
        "destinations",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("condition", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("since", UTCDateTime, nullable=False),
        sa.Column("rest_until", UTCDateTime),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("odd_answers", sa.Integer, nullable=False),
        sa.Column("accepted_at", UTCDateTime),
        sa.Column("answered_at", UTCDateTime),
        sa.Column("answer", sa.Text),
    )
