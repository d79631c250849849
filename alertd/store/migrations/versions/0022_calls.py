"""Who was called of late is found without reading all that was sent."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
_CALLS = "state = 'sent' AND kind = 'firing' AND severity = 'critical'"


def upgrade() -> None:
    op.create_index("notifications_calls", "notifications", ["settled_at"], unique=False,
                    sqlite_where=sa.text(_CALLS), postgresql_where=sa.text(_CALLS))
