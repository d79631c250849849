"""When the next step of an incident's escalation is due."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column('incidents', sa.Column('escalated', sa.Integer(), nullable=False, server_default="0"))
    op.add_column('incidents', sa.Column('escalate_at', sa.BigInteger(), nullable=True))
    op.create_index('incidents_escalating', 'incidents', ['escalate_at'], unique=False,
                    sqlite_where=sa.text("escalate_at IS NOT NULL"),
                    postgresql_where=sa.text("escalate_at IS NOT NULL"))
