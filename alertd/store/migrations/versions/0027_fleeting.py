"""What expires while it waits is found without reading all that waits."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"

WAITING = "state = 'queued' AND kind IN ('update', 'reminder', 'flapping')"


def upgrade() -> None:
    op.create_index("notifications_fleeting", "notifications", ["created_at"], unique=False,
                    sqlite_where=sa.text(WAITING), postgresql_where=sa.text(WAITING))
