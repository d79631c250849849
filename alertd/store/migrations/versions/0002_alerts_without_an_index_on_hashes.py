"""No index on alerts' fingerprints: they are hashes, and every new one dirtied a page of its own."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.drop_index('alerts_open', table_name='alerts')
    op.drop_index('alerts_closed', table_name='alerts')
    op.create_index('alerts_firing', 'alerts', ['id'], unique=False,
                    sqlite_where=sa.text("closed_at IS NULL"),
                    postgresql_where=sa.text("closed_at IS NULL"))
    op.create_index('alerts_ended', 'alerts', ['closed_at'], unique=False,
                    sqlite_where=sa.text("closed_at IS NOT NULL"),
                    postgresql_where=sa.text("closed_at IS NOT NULL"))
