"""When a connection last became another server or client. As it was then: nothing here follows `store.tables`."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a column; no row is changed."""
    op.add_column(
        "connection",
        sa.Column("identity_changed_at", sa.BigInteger(), comment="When it last became another server or client."),
    )
