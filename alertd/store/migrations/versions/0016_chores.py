"""When what is done now and then is next."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.create_table('chores',
        sa.Column('name', sa.String(length=32), nullable=False),
        sa.Column('due_at', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('name')
    )
