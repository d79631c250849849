"""When it is said that an acknowledgement will end, and when management hears that an incident still burns."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    for name, column in (("incidents_reminding", "remind_at"), ("incidents_reporting", "report_at")):
        op.add_column("incidents", sa.Column(column, sa.BigInteger(), nullable=True))
        op.create_index(name, "incidents", [column], unique=False,
                        sqlite_where=sa.text(f"{column} IS NOT NULL"),
                        postgresql_where=sa.text(f"{column} IS NOT NULL"))
