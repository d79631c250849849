"""What was done to one incident, and who took care of what when, without reading the whole audit."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    op.create_index("audit_by_object", "audit", ["object"], unique=False)
    op.create_index("audit_taken", "audit", ["at", "object"], unique=False,
                    sqlite_where=sa.text("action = 'acknowledge'"),
                    postgresql_where=sa.text("action = 'acknowledge'"))
