"""Runs the migrations on the connection that `store.schema` gives. It configures no log and opens nothing."""

from alembic import context

from entracte.store.tables import METADATA

# Both databases undo a half-done migration, SQLite because `store.engine` begins its transactions itself.
context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
