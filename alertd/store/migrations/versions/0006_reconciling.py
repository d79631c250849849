"""By what an alert is kept quiet, and which Alertmanager speaks for which source."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column('alerts', sa.Column('muted', sa.Text(), nullable=True))
    op.create_table('voices',
        sa.Column('address', sa.Text(), nullable=False),
        sa.Column('source', sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint('address', 'source')
    )
