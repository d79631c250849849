"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table('alerts',
        sa.Column('id', sa.String(length=24), nullable=False),
        sa.Column('source', sa.Text(), nullable=False),
        sa.Column('fingerprint', sa.Text(), nullable=False),
        sa.Column('incident', sa.String(length=24), nullable=True),
        sa.Column('severity', sa.String(length=8), nullable=False),
        sa.Column('labels', sa.Text(), nullable=False),
        sa.Column('annotations', sa.Text(), nullable=False),
        sa.Column('starts_at', sa.BigInteger(), nullable=False),
        sa.Column('newest_start', sa.BigInteger(), nullable=False),
        sa.Column('ends_at', sa.BigInteger(), nullable=True),
        sa.Column('closed_at', sa.BigInteger(), nullable=True),
        sa.Column('generator_url', sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint('id')
    )
    op.create_index('alerts_by_incident', 'alerts', ['incident'], unique=False)
    op.create_index('alerts_closed', 'alerts', ['fingerprint', 'closed_at'], unique=False,
                    sqlite_where=sa.text("closed_at IS NOT NULL"),
                    postgresql_where=sa.text("closed_at IS NOT NULL"))
    op.create_index('alerts_open', 'alerts', ['fingerprint', 'source'], unique=True,
                    sqlite_where=sa.text("closed_at IS NULL"),
                    postgresql_where=sa.text("closed_at IS NULL"))
    op.create_table('attempts',
        sa.Column('seq', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
        sa.Column('notification', sa.String(length=24), nullable=False),
        sa.Column('started_at', sa.BigInteger(), nullable=False),
        sa.Column('finished_at', sa.BigInteger(), nullable=False),
        sa.Column('event', sa.String(length=12), nullable=False),
        sa.Column('detail', sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint('seq')
    )
    op.create_index('attempts_by_notification', 'attempts', ['notification'], unique=False)
    op.create_table('decisions',
        sa.Column('seq', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
        sa.Column('webhook', sa.String(length=16), nullable=True),
        sa.Column('incident', sa.String(length=24), nullable=False),
        sa.Column('at', sa.BigInteger(), nullable=False),
        sa.Column('verdict', sa.Text(), nullable=False),
        sa.Column('why', sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint('seq')
    )
    op.create_index('decisions_by_incident', 'decisions', ['incident'], unique=False)
    op.create_table('digests',
        sa.Column('receiver', sa.Text(), nullable=False),
        sa.Column('date', sa.String(length=10), nullable=False),
        sa.Column('id', sa.String(length=64), nullable=False),
        sa.Column('made_at', sa.BigInteger(), nullable=False),
        sa.Column('subject', sa.Text(), nullable=False),
        sa.Column('text', sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint('receiver', 'date'),
        sa.UniqueConstraint('id')
    )
    op.create_table('incidents',
        sa.Column('id', sa.String(length=24), nullable=False),
        sa.Column('key', sa.String(length=24), nullable=False),
        sa.Column('source', sa.Text(), nullable=False),
        sa.Column('labels', sa.Text(), nullable=False),
        sa.Column('severity', sa.String(length=8), nullable=False),
        sa.Column('epoch', sa.Integer(), nullable=False),
        sa.Column('revision', sa.Integer(), nullable=False),
        sa.Column('state', sa.String(length=16), nullable=False),
        sa.Column('opened_at', sa.BigInteger(), nullable=False),
        sa.Column('firing', sa.Integer(), nullable=False),
        sa.Column('alerts', sa.Integer(), nullable=False),
        sa.Column('acknowledged_at', sa.BigInteger(), nullable=True),
        sa.Column('resolved_at', sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint('id')
    )
    op.create_index('incidents_open', 'incidents', ['key'], unique=True,
                    sqlite_where=sa.text("state <> 'resolved'"),
                    postgresql_where=sa.text("state <> 'resolved'"))
    op.create_table('notifications',
        sa.Column('seq', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
        sa.Column('id', sa.String(length=24), nullable=False),
        sa.Column('incident', sa.String(length=24), nullable=True),
        sa.Column('kind', sa.String(length=12), nullable=False),
        sa.Column('severity', sa.String(length=8), nullable=False),
        sa.Column('rank', sa.Integer(), nullable=False),
        sa.Column('epoch', sa.Integer(), nullable=False),
        sa.Column('receiver', sa.Text(), nullable=False),
        sa.Column('channel', sa.Text(), nullable=False),
        sa.Column('target', sa.Text(), nullable=False),
        sa.Column('style', sa.String(length=16), nullable=False),
        sa.Column('state', sa.String(length=12), nullable=False),
        sa.Column('reason', sa.Text(), nullable=False),
        sa.Column('created_at', sa.BigInteger(), nullable=False),
        sa.Column('next_at', sa.BigInteger(), nullable=False),
        sa.Column('attempts', sa.Integer(), nullable=False),
        sa.Column('ambiguous', sa.Integer(), nullable=False),
        sa.Column('digest', sa.String(length=64), nullable=True),
        sa.Column('lease', sa.String(length=32), nullable=True),
        sa.Column('lease_until', sa.BigInteger(), nullable=True),
        sa.Column('settled_at', sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint('seq')
    )
    op.create_index('notifications_ahead', 'notifications', ['incident', 'seq'], unique=False,
                    sqlite_where=sa.text("settled_at IS NULL"),
                    postgresql_where=sa.text("settled_at IS NULL"))
    op.create_index('notifications_dead', 'notifications', ['seq'], unique=False,
                    sqlite_where=sa.text("state = 'dead'"),
                    postgresql_where=sa.text("state = 'dead'"))
    op.create_index('notifications_held', 'notifications', ['receiver'], unique=False,
                    sqlite_where=sa.text("state = 'held'"),
                    postgresql_where=sa.text("state = 'held'"))
    op.create_index('notifications_key', 'notifications', ['incident', 'id'], unique=True)
    op.create_index('notifications_leased', 'notifications', ['lease_until'], unique=False,
                    sqlite_where=sa.text("state = 'claimed'"),
                    postgresql_where=sa.text("state = 'claimed'"))
    op.create_index('notifications_due', 'notifications', ['receiver', 'channel', 'target',
                     sa.literal_column('rank DESC'), 'seq'], unique=False,
                    sqlite_where=sa.text("state = 'queued'"),
                    postgresql_where=sa.text("state = 'queued'"))
    op.create_table('roots',
        sa.Column('incident', sa.String(length=24), nullable=False),
        sa.Column('channel', sa.Text(), nullable=False),
        sa.Column('target', sa.Text(), nullable=False),
        sa.Column('root', sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint('incident', 'channel', 'target')
    )
    op.create_table('throttles',
        sa.Column('receiver', sa.Text(), nullable=False),
        sa.Column('channel', sa.Text(), nullable=False),
        sa.Column('target', sa.Text(), nullable=False),
        sa.Column('until', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('receiver', 'channel', 'target')
    )
    op.create_table('webhooks',
        sa.Column('id', sa.String(length=16), nullable=False),
        sa.Column('received_at', sa.BigInteger(), nullable=False),
        sa.Column('source', sa.Text(), nullable=False),
        sa.Column('group_key', sa.Text(), nullable=False),
        sa.Column('alerts', sa.Integer(), nullable=False),
        sa.Column('truncated', sa.Integer(), nullable=False),
        sa.Column('result', sa.String(length=16), nullable=False),
        sa.Column('reason', sa.Text(), nullable=False),
        sa.Column('raw', sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint('id')
    )
    op.create_index('webhooks_rejected', 'webhooks', ['received_at'], unique=False,
                    sqlite_where=sa.text("result = 'rejected'"),
                    postgresql_where=sa.text("result = 'rejected'"))
