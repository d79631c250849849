"""Storms: how much each outlet is told to begin, and the messages that stand for many."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.create_index("notifications_folded", "notifications", ["digest", "incident"], unique=False,
                    sqlite_where=sa.text("digest IS NOT NULL"), postgresql_where=sa.text("digest IS NOT NULL"))
    op.create_table("gauges",
        sa.Column("receiver", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("level", sa.Float(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("half_at", sa.BigInteger(), nullable=False),
        sa.Column("storm", sa.String(length=24), nullable=False),
        sa.PrimaryKeyConstraint("receiver", "channel", "target")
    )
    op.create_table("storms",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("receiver", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("style", sa.String(length=16), nullable=False),
        sa.Column("began_at", sa.BigInteger(), nullable=False),
        sa.Column("calm_at", sa.BigInteger(), nullable=True),
        sa.Column("over_at", sa.BigInteger(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("told", sa.Integer(), nullable=False),
        sa.Column("told_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id")
    )
