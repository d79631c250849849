"""Maintenance windows that people made, and texts about no single incident."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table('windows',
        sa.Column('id', sa.String(length=16), nullable=False),
        sa.Column('name', sa.Text(), nullable=False),
        sa.Column('matchers', sa.Text(), nullable=False),
        sa.Column('mode', sa.String(length=8), nullable=False),
        sa.Column('starts_at', sa.BigInteger(), nullable=False),
        sa.Column('ends_at', sa.BigInteger(), nullable=False),
        sa.Column('reason', sa.Text(), nullable=False),
        sa.Column('creator', sa.Text(), nullable=False),
        sa.Column('created_at', sa.BigInteger(), nullable=False),
        sa.Column('notices', sa.Integer(), nullable=False),
        sa.Column('exclude_from_budget', sa.Integer(), nullable=False),
        sa.Column('ended_by', sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint('id')
    )
    op.create_index('windows_by_end', 'windows', ['ends_at'])
    op.create_table('notices',
        sa.Column('id', sa.String(length=24), nullable=False),
        sa.Column('made_at', sa.BigInteger(), nullable=False),
        sa.Column('subject', sa.Text(), nullable=False),
        sa.Column('text', sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint('id')
    )
