"""The last beat of each heartbeat."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table('pulses',
        sa.Column('matchers', sa.Text(), nullable=False),
        sa.Column('source', sa.Text(), nullable=False),
        sa.Column('beat_at', sa.BigInteger(), nullable=False),
        sa.Column('silent_since', sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint('matchers', 'source')
    )
