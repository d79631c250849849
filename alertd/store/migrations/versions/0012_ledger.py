"""The ledger of error budgets: objectives, what is counted of them by the hour, and what is taken out."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table('slos',
        sa.Column('service', sa.String(length=100), nullable=False),
        sa.Column('slo', sa.String(length=100), nullable=False),
        sa.Column('since', sa.BigInteger(), nullable=False),
        sa.Column('objective', sa.Text(), nullable=False),
        sa.Column('length', sa.BigInteger(), nullable=False),
        sa.Column('split', sa.Text(), nullable=False),
        sa.Column('ended_at', sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint('service', 'slo', 'since')
    )
    op.create_table('slo_series',
        sa.Column('id', sa.Integer(), autoincrement=True, nullable=False),
        sa.Column('service', sa.String(length=100), nullable=False),
        sa.Column('slo', sa.String(length=100), nullable=False),
        sa.Column('labels', sa.Text(), nullable=False),
        sa.Column('known_until', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('id')
    )
    op.create_index('slo_series_key', 'slo_series', ['service', 'slo', 'labels'], unique=True)
    op.create_table('slo_hours',
        sa.Column('hour', sa.BigInteger(), nullable=False),
        sa.Column('series', sa.Integer(), nullable=False),
        sa.Column('events', sa.Float(), nullable=False),
        sa.Column('bad', sa.Float(), nullable=False),
        sa.Column('known', sa.Float(), nullable=False),
        sa.Column('objective', sa.Float(), nullable=False),
        sa.Column('excluded', sa.Float(), nullable=False),
        sa.Column('excluded_events', sa.Float(), nullable=False),
        sa.Column('excluded_bad', sa.Float(), nullable=False),
        sa.Column('source', sa.String(length=4), nullable=False),
        sa.Column('slots', sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint('hour', 'series'),
        sqlite_with_rowid=False
    )
    op.create_table('slo_reads',
        sa.Column('hour', sa.BigInteger(), nullable=False),
        sa.Column('read_at', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('hour')
    )
    op.create_table('slo_source',
        sa.Column('url', sa.Text(), nullable=False),
        sa.Column('answered_at', sa.BigInteger(), nullable=True),
        sa.Column('failing_since', sa.BigInteger(), nullable=True),
        sa.Column('problem', sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint('url')
    )
    op.create_table('exclusions',
        sa.Column('id', sa.String(length=24), nullable=False),
        sa.Column('matchers', sa.Text(), nullable=False),
        sa.Column('starts_at', sa.BigInteger(), nullable=False),
        sa.Column('ends_at', sa.BigInteger(), nullable=False),
        sa.Column('reason', sa.Text(), nullable=False),
        sa.Column('creator', sa.Text(), nullable=False),
        sa.Column('made_at', sa.BigInteger(), nullable=False),
        sa.Column('origin', sa.Text(), nullable=False),
        sa.Column('undone_at', sa.BigInteger(), nullable=True),
        sa.Column('undone_by', sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint('id')
    )
    op.create_index('exclusions_by_end', 'exclusions', ['ends_at'])
