"""Objectives of a week, month or quarter of the calendar, with its zone."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.add_column('slos', sa.Column('calendar', sa.Text(), nullable=False, server_default=''))
