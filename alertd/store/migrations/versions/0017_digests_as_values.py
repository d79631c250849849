"""Digests keep what they say as values, so that each channel and the page show it in its own form."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.add_column('digests', sa.Column('data', sa.Text(), nullable=False, server_default=''))
