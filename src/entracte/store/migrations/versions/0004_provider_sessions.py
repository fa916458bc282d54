"""Sessions at authorization servers, and the logout tokens that were used. As it was then: nothing here follows
`store.tables`."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add tables; no row is changed."""
    _sessions()
    _tokens()


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False, autoincrement=False)


def _sessions() -> None:
    op.create_table(
        "provider_session",
        _number("organization"),
        sa.Column("participation", sa.Uuid(), nullable=False),
        _number("attempt"),
        _number("campaign"),
        _number("connection"),
        _number("signed_in_at"),
        sa.Column("person", sa.LargeBinary(), nullable=False, comment="Keyed hash of issuer and subject."),
        sa.Column("session", sa.LargeBinary(), comment="Keyed hash of issuer and `sid`."),
        sa.Column("sealed_id_token", sa.Text()),
        sa.Column("sealed_session_state", sa.Text()),
        sa.PrimaryKeyConstraint("organization", "participation", "attempt", name="provider_session_key"),
        sa.ForeignKeyConstraint(
            ["organization", "participation"],
            ["participation.organization", "participation.id"],
            name="provider_session_participation_reference",
            ondelete="CASCADE",
        ),
        comment="The sessions at authorization servers that people can sign out of; only where a connection does.",
    )
    for name, columns in (
        ("provider_session_by_session", ["organization", "connection", "session"]),
        ("provider_session_by_person", ["organization", "connection", "person"]),
        ("provider_session_by_age", ["organization", "signed_in_at"]),
    ):
        op.create_index(name, "provider_session", columns)


def _tokens() -> None:
    op.create_table(
        "seen_logout_token",
        _number("organization"),
        _number("connection"),
        sa.Column("digest", sa.LargeBinary(), nullable=False, comment="SHA-256 of `iss` and `jti`."),
        _number("keep_until"),
        sa.PrimaryKeyConstraint("organization", "connection", "digest", name="seen_logout_token_key"),
        sa.ForeignKeyConstraint(
            ["organization"],
            ["organization.number"],
            name="seen_logout_token_organization_reference",
            ondelete="CASCADE",
        ),
        comment="Logout tokens that were used: each counts once.",
    )
    op.create_index("seen_logout_token_by_age", "seen_logout_token", ["organization", "keep_until"])
