"""Alerts that keep others quiet, and those that are kept quiet."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table('inhibitors',
        sa.Column('key', sa.Text(), nullable=False),
        sa.Column('alert', sa.Text(), nullable=False),
        sa.Column('name', sa.Text(), nullable=False),
        sa.Column('both', sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint('key', 'alert')
    )
    op.create_table('inhibited',
        sa.Column('alert', sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint('alert')
    )
