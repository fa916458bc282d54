"""How we registered ourselves at an authorization server. As it was then: nothing here follows `store.tables`."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add two columns; no row is changed."""
    op.add_column(
        "connection",
        sa.Column("registration", sa.Text(), comment="How we registered ourselves at the server, as JSON."),
    )
    op.add_column(
        "connection",
        sa.Column("sealed_registration_token", sa.Text(), comment="What opens that registration there."),
    )
