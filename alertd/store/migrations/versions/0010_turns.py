"""Whose an incident is, so that teams take turns at an outlet they share."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    for table in ("incidents", "notifications"):
        op.add_column(table, sa.Column("team", sa.Text(), nullable=False, server_default=""))
    op.drop_index("notifications_due", "notifications")
    op.create_index("notifications_due", "notifications",
                    ["receiver", "channel", "target", sa.literal_column("rank DESC"), "team", "seq"], unique=False,
                    sqlite_where=sa.text("state = 'queued'"), postgresql_where=sa.text("state = 'queued'"))
