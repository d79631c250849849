"""What ended or was sent of late is found without reading all that is kept."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.create_index("incidents_ended", "incidents", ["resolved_at"], unique=False,
                    sqlite_where=sa.text("resolved_at IS NOT NULL"),
                    postgresql_where=sa.text("resolved_at IS NOT NULL"))
    op.create_index("notifications_sent", "notifications", ["settled_at"], unique=False,
                    sqlite_where=sa.text("state = 'sent'"), postgresql_where=sa.text("state = 'sent'"))
