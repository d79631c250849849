"""The audit can only grow: no row of it is changed or taken out, and its head stands apart."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

SQLITE = """\
CREATE TRIGGER audit_{when} BEFORE {what} ON audit
BEGIN SELECT RAISE(ABORT, 'the audit only grows'); END"""
POSTGRESQL = """\
CREATE FUNCTION audit_only_grows() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the audit only grows'; END $$"""


def upgrade() -> None:
    head = op.create_table('audit_head',
        sa.Column('id', sa.Integer(), nullable=False, autoincrement=False),
        sa.Column('seq', sa.BigInteger(), nullable=False),
        sa.Column('hash', sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint('id')
    )
    connection = op.get_bind()
    last = connection.execute(sa.text("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")).first()
    op.bulk_insert(head, [{"id": 1, "seq": last.seq if last else 0, "hash": last.hash if last else "0" * 64}])
    if connection.dialect.name == "sqlite":
        for what in ("UPDATE", "DELETE"):
            op.execute(SQLITE.format(when=f"no_{what.lower()}", what=what))
        return
    op.execute(POSTGRESQL)
    op.execute("CREATE TRIGGER audit_only_grows BEFORE UPDATE OR DELETE ON audit "
               "FOR EACH ROW EXECUTE FUNCTION audit_only_grows()")
    op.execute("CREATE TRIGGER audit_is_not_emptied BEFORE TRUNCATE ON audit "
               "FOR EACH STATEMENT EXECUTE FUNCTION audit_only_grows()")
