"""Incidents that come and go: when they swung, and until when they have to be quiet."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.add_column("incidents", sa.Column("swings", sa.Text(), nullable=False, server_default=""))
    op.add_column("incidents", sa.Column("quiet_at", sa.BigInteger(), nullable=True))
    op.create_index("incidents_flapping", "incidents", ["quiet_at"], unique=False,
                    sqlite_where=sa.text("quiet_at IS NOT NULL"), postgresql_where=sa.text("quiet_at IS NOT NULL"))
    op.create_table("swings",
        sa.Column("key", sa.String(length=24), nullable=False),
        sa.Column("swings", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key")
    )
    op.create_index("swings_by_time", "swings", ["at"], unique=False)
