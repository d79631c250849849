"""Run by alembic: migrates over the connection that store/database.py hands it."""

from alembic import context

from alertd.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
