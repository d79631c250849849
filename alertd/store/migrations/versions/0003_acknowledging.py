"""Who takes care of an incident, the audit, and callbacks that were acted on."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column('incidents', sa.Column('acknowledged_by', sa.Text(), nullable=True))
    op.add_column('incidents', sa.Column('acknowledged_until', sa.BigInteger(), nullable=True))
    op.create_index('incidents_acknowledged', 'incidents', ['acknowledged_until'], unique=False,
                    sqlite_where=sa.text("state = 'acknowledged'"),
                    postgresql_where=sa.text("state = 'acknowledged'"))
    op.create_table('audit',
        sa.Column('seq', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
        sa.Column('at', sa.BigInteger(), nullable=False),
        sa.Column('actor', sa.Text(), nullable=False),
        sa.Column('via', sa.String(length=16), nullable=False),
        sa.Column('action', sa.String(length=32), nullable=False),
        sa.Column('object', sa.Text(), nullable=False),
        sa.Column('detail', sa.Text(), nullable=False),
        sa.Column('prev_hash', sa.String(length=64), nullable=False),
        sa.Column('hash', sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint('seq')
    )
    op.create_table('callbacks',
        sa.Column('id', sa.String(length=128), nullable=False),
        sa.Column('at', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('id')
    )
