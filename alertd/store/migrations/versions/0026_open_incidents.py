"""Keys of open incidents are kept in the memory of SQLite's one writing process: they are hashes, and in an index on
them every new incident dirtied a page of its own."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":  # PostgreSQL has several writing processes, which ask the index
        op.drop_index("incidents_open", "incidents")
        op.create_index("incidents_burning", "incidents", ["id"], unique=False,
                        sqlite_where=sa.text("state <> 'resolved'"))
