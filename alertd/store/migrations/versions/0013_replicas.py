"""Several processes on one store: who is there, what older ones can still read, and an index on fingerprints."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.create_table('replicas',
        sa.Column('number', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
        sa.Column('host', sa.Text(), nullable=False),
        sa.Column('pid', sa.Integer(), nullable=False),
        sa.Column('version', sa.Text(), nullable=False),
        sa.Column('started_at', sa.BigInteger(), nullable=False),
        sa.Column('seen_at', sa.BigInteger(), nullable=False),
        sa.Column('config', sa.String(length=64), nullable=False),
        sa.Column('outlets', sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint('number')
    )
    floors = op.create_table('floors',
        sa.Column('revision', sa.String(length=8), nullable=False),
        sa.PrimaryKeyConstraint('revision')
    )
    op.bulk_insert(floors, [{'revision': '0013'}])
    if op.get_bind().dialect.name == "postgresql":  # SQLite has one writing process, which keeps this in memory
        op.drop_index('alerts_firing', 'alerts')  # which is taken for `alerts_open` while nothing is known of the rows
        op.create_index('alerts_open', 'alerts', ['fingerprint', 'source'], unique=True,
                        postgresql_where=sa.text("closed_at IS NULL"))
        op.create_index('alerts_lately', 'alerts', ['fingerprint', 'closed_at'], unique=False,
                        postgresql_where=sa.text("closed_at IS NOT NULL"))
