"""The first tables. As they were then: nothing here follows `store.tables`."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make every table."""
    _tenants()
    _members()
    _campaigns()
    _participations()
    _attempts()
    _entries()
    _events()


def _key_text() -> sa.types.TypeEngine[str]:
    return sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False, autoincrement=False)


def _organization_reference(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["organization"], ["organization.number"], name=f"{table}_organization_reference", ondelete="CASCADE"
    )


def _participation_reference(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["organization", "participation"],
        ["participation.organization", "participation.id"],
        name=f"{table}_participation_reference",
        ondelete="CASCADE",
    )


def _tenants() -> None:
    op.create_table(
        "allocation",
        sa.Column("kind", _key_text(), nullable=False),
        _number("latest"),
        sa.PrimaryKeyConstraint("kind", name="allocation_key"),
        comment="The latest number given to an organization, a connection, a campaign.",
    )
    op.create_table(
        "organization",
        _number("number"),
        sa.Column("name", _key_text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("brand", sa.Text(), nullable=False),
        sa.Column("sealed_person_key", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="organization_key"),
        sa.UniqueConstraint("name", name="organization_name_unique"),
    )
    op.create_table(
        "connection",
        _number("organization"),
        _number("number"),
        sa.Column("name", _key_text(), nullable=False),
        sa.Column("config", sa.Text(), nullable=False),
        sa.Column("sealed_secret", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "number", name="connection_key"),
        sa.UniqueConstraint("organization", "name", name="connection_organization_name_unique"),
        _organization_reference("connection"),
    )


def _members() -> None:
    op.create_table(
        "member_address",
        sa.Column("address", _key_text(), nullable=False),
        _number("organization"),
        sa.PrimaryKeyConstraint("address", name="member_address_key"),
        _organization_reference("member_address"),
        comment="Directory: from the e-mail address of a login, without case, to its organization.",
    )
    op.create_table(
        "member",
        _number("organization"),
        sa.Column("address", _key_text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "address", name="member_key"),
        _organization_reference("member"),
    )
    op.create_table(
        "member_session",
        _number("organization"),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        _number("created_at"),
        _number("expires_at"),
        sa.PrimaryKeyConstraint("organization", "token_hash", name="member_session_key"),
        _organization_reference("member_session"),
    )
    op.create_index("member_session_token", "member_session", ["token_hash"])


def _campaigns() -> None:
    op.create_table(
        "campaign",
        _number("organization"),
        _number("number"),
        sa.Column("name", _key_text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "number", name="campaign_key"),
        sa.UniqueConstraint("organization", "name", name="campaign_organization_name_unique"),
        _organization_reference("campaign"),
    )
    op.create_table(
        "campaign_version",
        _number("organization"),
        _number("number"),
        sa.Column("version", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("definition", sa.Text(), nullable=False),
        _number("published_at"),
        sa.PrimaryKeyConstraint("organization", "number", "version", name="campaign_version_key"),
        sa.ForeignKeyConstraint(
            ["organization", "number"],
            ["campaign.organization", "campaign.number"],
            name="campaign_version_campaign_reference",
            ondelete="CASCADE",
        ),
    )
    op.create_table(
        "campaign_address",
        sa.Column("name", _key_text(), nullable=False),
        _number("organization"),
        _number("number"),
        sa.PrimaryKeyConstraint("name", name="campaign_address_key"),
        sa.UniqueConstraint("number", name="campaign_address_number_unique"),
        _organization_reference("campaign_address"),
        comment="Directory: from a public address, or the number in a state, to its organization.",
    )


def _participations() -> None:
    op.create_table(
        "participation",
        _number("organization"),
        sa.Column("id", sa.Uuid(), nullable=False),
        _number("campaign"),
        sa.Column("language", sa.Text(), nullable=False),
        _number("started_at"),
        sa.Column("embed_page", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("previous_key_open", sa.Boolean(), nullable=False),
        sa.Column("guest", sa.Boolean(), nullable=False),
        sa.Column("sign_in_outcome", sa.Text()),
        sa.Column("profile", sa.JSON()),
        sa.Column("person", sa.LargeBinary()),
        sa.Column("draft", sa.JSON(), nullable=False),
        sa.Column("entered_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("organization", "id", name="participation_key"),
    )
    op.create_table(
        "answer",
        _number("organization"),
        sa.Column("participation", sa.Uuid(), nullable=False),
        sa.Column("step", _key_text(), nullable=False),
        sa.Column("answer", sa.JSON(), nullable=False),
        _number("kept_at"),
        sa.PrimaryKeyConstraint("organization", "participation", "step", name="answer_key"),
        _participation_reference("answer"),
    )


def _attempts() -> None:
    op.create_table(
        "attempt",
        _number("organization"),
        sa.Column("participation", sa.Uuid(), nullable=False),
        _number("number"),
        _number("campaign"),
        _number("connection"),
        sa.Column("short_code", sa.Text(), nullable=False),
        _number("sent_at"),
        sa.Column(
            "place", sa.Integer(), nullable=False, comment="Order of attempts that were sent in the same second."
        ),
        sa.Column("consumed_at", sa.BigInteger()),
        sa.Column("finished_at", sa.BigInteger()),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("held_profile", sa.JSON()),
        sa.Column("held_person", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("organization", "participation", "number", name="attempt_key"),
        _participation_reference("attempt"),
    )
    op.create_index(
        "attempt_signed_in",
        "attempt",
        ["organization", "campaign", "sent_at", "finished_at"],
        sqlite_where=sa.text("outcome = 'signed_in'"),
        postgresql_where=sa.text("outcome = 'signed_in'"),
    )


def _entries() -> None:
    op.create_table(
        "entry",
        _number("organization"),
        sa.Column("participation", sa.Uuid(), nullable=False),
        _number("campaign"),
        _number("entered_at"),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("signed_in", sa.Boolean(), nullable=False),
        sa.Column("person", sa.LargeBinary(), nullable=False),
        sa.Column("answers", sa.JSON(), nullable=False),
        sa.Column("form_values", sa.JSON(), nullable=False),
        sa.Column("outcomes", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "participation", name="entry_key"),
        _participation_reference("entry"),
    )
    op.create_index("entry_by_time", "entry", ["organization", "campaign", "entered_at", "participation"])
    op.create_index("entry_by_person", "entry", ["organization", "campaign", "person"])


def _events() -> None:
    op.create_table(
        "event",
        _number("organization"),
        sa.Column("participation", sa.Uuid(), nullable=False),
        sa.Column("kind", _key_text(), nullable=False),
        sa.Column("step", _key_text(), nullable=False),
        _number("campaign"),
        _number("at"),
        sa.PrimaryKeyConstraint("organization", "participation", "kind", "step", name="event_key"),
        sqlite_with_rowid=False,
    )
    op.create_index("event_by_kind", "event", ["organization", "campaign", "kind", "step", "at"])
