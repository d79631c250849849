"""The same incidents before are found without reading all that is kept."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    op.create_index("incidents_same", "incidents", ["key"], unique=False,
                    sqlite_where=sa.text("state = 'resolved'"), postgresql_where=sa.text("state = 'resolved'"))
