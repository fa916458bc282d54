"""The REST API: tokens, kept answers, drafts, closed campaigns, a second client secret, attempts by short code.
As it was then: nothing here follows `store.tables`."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add columns and tables; no row is changed."""
    for column in (
        sa.Column("secret_added_at", sa.BigInteger(), comment="Unknown for secrets from before this was kept."),
        sa.Column(
            "previous_sealed_secret",
            sa.Text(),
            comment="The other one that is valid while the server changes secrets.",
        ),
        sa.Column("previous_secret_added_at", sa.BigInteger()),
    ):
        op.add_column("connection", column)
    op.add_column(
        "campaign", sa.Column("closed_at", sa.BigInteger(), comment="Closed by hand, whatever its schedule says.")
    )
    op.create_index("attempt_by_short_code", "attempt", ["organization", "short_code"])
    _drafts()
    _tokens()
    _kept_answers()


def _key_text() -> sa.types.TypeEngine[str]:
    return sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False, autoincrement=False)


def _organization_reference(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["organization"], ["organization.number"], name=f"{table}_organization_reference", ondelete="CASCADE"
    )


def _drafts() -> None:
    op.create_table(
        "campaign_draft",
        _number("organization"),
        sa.Column("name", _key_text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        _number("saved_at"),
        sa.PrimaryKeyConstraint("organization", "name", name="campaign_draft_key"),
        _organization_reference("campaign_draft"),
        comment="A campaign file in work: seen by members alone, and allowed to be unfinished.",
    )


def _tokens() -> None:
    op.create_table(
        "token_address",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        _number("organization"),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name="token_address_key"),
        sa.UniqueConstraint("organization", "id", name="token_address_organization_id_unique"),
        _organization_reference("token_address"),
        comment="Directory: from the SHA-256 of a bearer token of the REST API to its organization.",
    )
    op.create_table(
        "token",
        _number("organization"),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False, comment="Separated by spaces."),
        _number("created_at"),
        _number("expires_at"),
        sa.Column("revoked_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("organization", "id", name="token_key"),
        _organization_reference("token"),
    )


def _kept_answers() -> None:
    op.create_table(
        "kept_answer",
        _number("organization"),
        sa.Column("idempotency_key", _key_text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False, comment="SHA-256 of the request that used the key."),
        sa.Column("status", sa.Integer(), comment="Nothing while the request is under way."),
        sa.Column("sealed_answer", sa.Text(), comment="Sealed: the answer to a new token holds the token."),
        _number("kept_at"),
        sa.PrimaryKeyConstraint("organization", "idempotency_key", name="kept_answer_key"),
        _organization_reference("kept_answer"),
        comment="Answers of the REST API to writes with an Idempotency-Key.",
    )
    op.create_index("kept_answer_by_age", "kept_answer", ["kept_at"])
