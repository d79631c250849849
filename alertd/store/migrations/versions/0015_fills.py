"""How far the hours of each objective were looked at."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.create_table('slo_fills',
        sa.Column('service', sa.String(length=100), nullable=False),
        sa.Column('slo', sa.String(length=100), nullable=False),
        sa.Column('since', sa.BigInteger(), nullable=False),
        sa.Column('until', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('service', 'slo')
    )
