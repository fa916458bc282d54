"""Our own keys at an authorization server; an index that can not be taken for the one of a participation's attempts.
As it was then: nothing here follows `store.tables`."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a column, and turn an index round; no row is changed.

    Both begin with the organization otherwise, and before its first ANALYZE PostgreSQL took the one of short codes to
    find the latest attempt of one participation among all of a new organization."""
    op.add_column(
        "connection",
        sa.Column("own_keys", sa.Text(), comment="Our own keys at the server, as JSON; the private parts are sealed."),
    )
    op.drop_index("attempt_by_short_code", "attempt")
    op.create_index("attempt_by_short_code", "attempt", ["short_code", "organization"])
