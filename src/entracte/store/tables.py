"""The tables. Every key begins with the organization, so that PostgreSQL can be distributed by it (Citus).

Rules of this file: text in a key is compared and sorted by its bytes on both databases; hashes are bytes; times are
epoch seconds. JSON is kept as text on both (`JSON`, not `JSONB`): what a person typed comes back exactly, with its
NUL characters and its order, which JSONB refuses or changes, and nothing here searches inside a document.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

METADATA = MetaData(
    naming_convention={
        "pk": "%(table_name)s_key",
        "uq": "%(table_name)s_%(column_0_N_name)s_unique",
        "fk": "%(table_name)s_%(referred_table_name)s_reference",
    }
)

KeyText = Text().with_variant(Text(collation="C"), "postgresql")
"""Text that is part of a key. SQLite compares bytes by default, PostgreSQL by the database's locale unless told."""
Document = JSON(none_as_null=True)
"""A document or nothing. Python's None is no document."""
Answer = JSON(none_as_null=False)
"""An answer. Python's None is the answer null: a step that was only passed."""


def _organization() -> Column[int]:
    return Column("organization", BigInteger, nullable=False, autoincrement=False)


def _number(name: str = "number") -> Column[int]:
    return Column(name, BigInteger, nullable=False, autoincrement=False)


def _of(table: str, *columns: str) -> ForeignKeyConstraint:
    key = {"organization": ["number"], "campaign": ["organization", "number"], "participation": ["organization", "id"]}
    return ForeignKeyConstraint(columns, [f"{table}.{name}" for name in key[table]], ondelete="CASCADE")


allocation = Table(
    "allocation",
    METADATA,
    Column("kind", KeyText, nullable=False),
    _number("latest"),
    PrimaryKeyConstraint("kind"),
    comment="The latest number given to an organization, a connection, a campaign.",
)

organization = Table(
    "organization",
    METADATA,
    _number(),
    Column("name", KeyText, nullable=False),
    Column("title", Text, nullable=False),
    Column("brand", Text, nullable=False),
    Column("sealed_person_key", Text, nullable=False),
    PrimaryKeyConstraint("number"),
    UniqueConstraint("name"),
)

member_address = Table(
    "member_address",
    METADATA,
    Column("address", KeyText, nullable=False),
    _organization(),
    PrimaryKeyConstraint("address"),
    _of("organization", "organization"),
    comment="Directory: from the e-mail address of a login, without case, to its organization.",
)

member = Table(
    "member",
    METADATA,
    _organization(),
    Column("address", KeyText, nullable=False),
    Column("email", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    PrimaryKeyConstraint("organization", "address"),
    _of("organization", "organization"),
)

member_session = Table(
    "member_session",
    METADATA,
    _organization(),
    Column("token_hash", LargeBinary, nullable=False),
    Column("email", Text, nullable=False),
    _number("created_at"),
    _number("expires_at"),
    PrimaryKeyConstraint("organization", "token_hash"),
    _of("organization", "organization"),
    Index("member_session_token", "token_hash"),
)

connection = Table(
    "connection",
    METADATA,
    _organization(),
    _number(),
    Column("name", KeyText, nullable=False),
    Column("config", Text, nullable=False),
    Column("sealed_secret", Text, nullable=False),
    Column("secret_added_at", BigInteger, comment="Unknown for secrets from before this was kept."),
    Column("previous_sealed_secret", Text, comment="The other one that is valid while the server changes secrets."),
    Column("previous_secret_added_at", BigInteger),
    Column("own_keys", Text, comment="Our own keys at the server, as JSON; the private parts are sealed."),
    Column("registration", Text, comment="How we registered ourselves at the server, as JSON."),
    Column("sealed_registration_token", Text, comment="What opens that registration there."),
    Column("identity_changed_at", BigInteger, comment="When it last became another server or client."),
    PrimaryKeyConstraint("organization", "number"),
    UniqueConstraint("organization", "name"),
    _of("organization", "organization"),
)

campaign = Table(
    "campaign",
    METADATA,
    _organization(),
    _number(),
    Column("name", KeyText, nullable=False),
    Column("version", Integer, nullable=False),
    Column("closed_at", BigInteger, comment="Closed by hand, whatever its schedule says."),
    PrimaryKeyConstraint("organization", "number"),
    UniqueConstraint("organization", "name"),
    _of("organization", "organization"),
)

campaign_draft = Table(
    "campaign_draft",
    METADATA,
    _organization(),
    Column("name", KeyText, nullable=False),
    Column("document", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    _number("saved_at"),
    PrimaryKeyConstraint("organization", "name"),
    _of("organization", "organization"),
    comment="A campaign file in work: seen by members alone, and allowed to be unfinished.",
)

campaign_version = Table(
    "campaign_version",
    METADATA,
    _organization(),
    _number(),
    Column("version", Integer, nullable=False, autoincrement=False),
    Column("definition", Text, nullable=False),
    _number("published_at"),
    PrimaryKeyConstraint("organization", "number", "version"),
    _of("campaign", "organization", "number"),
)

campaign_address = Table(
    "campaign_address",
    METADATA,
    Column("name", KeyText, nullable=False),
    _organization(),
    _number(),
    PrimaryKeyConstraint("name"),
    UniqueConstraint("number"),
    _of("organization", "organization"),
    comment="Directory: from a public address, or the number in a state, to its organization.",
)

# No reference to the campaign: on PostgreSQL each start would lock the one row of a campaign that everybody plays.
participation = Table(
    "participation",
    METADATA,
    _organization(),
    Column("id", Uuid, nullable=False),
    _number("campaign"),
    Column("language", Text, nullable=False),
    _number("started_at"),
    Column("embed_page", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("previous_key_open", Boolean, nullable=False),
    Column("guest", Boolean, nullable=False),
    Column("sign_in_outcome", Text),
    Column("profile", Document),
    Column("person", LargeBinary),
    Column("draft", Document, nullable=False),
    Column("entered_at", BigInteger),
    PrimaryKeyConstraint("organization", "id"),
)

answer = Table(
    "answer",
    METADATA,
    _organization(),
    Column("participation", Uuid, nullable=False),
    Column("step", KeyText, nullable=False),
    Column("answer", Answer, nullable=False),
    _number("kept_at"),
    PrimaryKeyConstraint("organization", "participation", "step"),
    _of("participation", "organization", "participation"),
)

attempt = Table(
    "attempt",
    METADATA,
    _organization(),
    Column("participation", Uuid, nullable=False),
    _number(),
    _number("campaign"),
    _number("connection"),
    Column("short_code", Text, nullable=False),
    _number("sent_at"),
    Column("place", Integer, nullable=False, comment="Order of attempts that were sent in the same second."),
    Column("consumed_at", BigInteger),
    Column("finished_at", BigInteger),
    Column("outcome", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("held_profile", Document),
    Column("held_person", LargeBinary),
    PrimaryKeyConstraint("organization", "participation", "number"),
    _of("participation", "organization", "participation"),
    Index("attempt_by_short_code", "short_code", "organization"),
    Index(
        "attempt_signed_in",
        "organization",
        "campaign",
        "sent_at",
        "finished_at",
        sqlite_where=text("outcome = 'signed_in'"),
        postgresql_where=text("outcome = 'signed_in'"),
    ),
)

provider_session = Table(
    "provider_session",
    METADATA,
    _organization(),
    Column("participation", Uuid, nullable=False),
    _number("attempt"),
    _number("campaign"),
    _number("connection"),
    _number("signed_in_at"),
    Column("person", LargeBinary, nullable=False, comment="Keyed hash of issuer and subject."),
    Column("session", LargeBinary, comment="Keyed hash of issuer and `sid`."),
    Column("sealed_id_token", Text),
    Column("sealed_session_state", Text),
    PrimaryKeyConstraint("organization", "participation", "attempt"),
    _of("participation", "organization", "participation"),
    Index("provider_session_by_session", "organization", "connection", "session"),
    Index("provider_session_by_person", "organization", "connection", "person"),
    Index("provider_session_by_age", "organization", "signed_in_at"),
    comment="The sessions at authorization servers that people can sign out of; only where a connection does.",
)

seen_logout_token = Table(
    "seen_logout_token",
    METADATA,
    _organization(),
    _number("connection"),
    Column("digest", LargeBinary, nullable=False, comment="SHA-256 of `iss` and `jti`."),
    _number("keep_until"),
    PrimaryKeyConstraint("organization", "connection", "digest"),
    _of("organization", "organization"),
    Index("seen_logout_token_by_age", "organization", "keep_until"),
    comment="Logout tokens that were used: each counts once.",
)

entry = Table(
    "entry",
    METADATA,
    _organization(),
    Column("participation", Uuid, nullable=False),
    _number("campaign"),
    _number("entered_at"),
    Column("language", Text, nullable=False),
    Column("signed_in", Boolean, nullable=False),
    Column("person", LargeBinary, nullable=False),
    Column("answers", Document, nullable=False),
    Column("form_values", Document, nullable=False),
    Column("outcomes", Document, nullable=False),
    PrimaryKeyConstraint("organization", "participation"),
    _of("participation", "organization", "participation"),
    Index("entry_by_time", "organization", "campaign", "entered_at", "participation"),
    Index("entry_by_person", "organization", "campaign", "person"),
)

# No reference to the participation: the counts stay when a person is erased.
event = Table(
    "event",
    METADATA,
    _organization(),
    Column("participation", Uuid, nullable=False),
    Column("kind", KeyText, nullable=False),
    Column("step", KeyText, nullable=False),
    _number("campaign"),
    _number("at"),
    PrimaryKeyConstraint("organization", "participation", "kind", "step"),
    Index("event_by_kind", "organization", "campaign", "kind", "step", "at"),
    sqlite_with_rowid=False,
)

token_address = Table(
    "token_address",
    METADATA,
    Column("token_hash", LargeBinary, nullable=False),
    _organization(),
    Column("id", Uuid, nullable=False),
    PrimaryKeyConstraint("token_hash"),
    UniqueConstraint("organization", "id"),
    _of("organization", "organization"),
    comment="Directory: from the SHA-256 of a bearer token of the REST API to its organization.",
)

token = Table(
    "token",
    METADATA,
    _organization(),
    Column("id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("scopes", Text, nullable=False, comment="Separated by spaces."),
    _number("created_at"),
    _number("expires_at"),
    Column("revoked_at", BigInteger),
    PrimaryKeyConstraint("organization", "id"),
    _of("organization", "organization"),
)

kept_answer = Table(
    "kept_answer",
    METADATA,
    _organization(),
    Column("idempotency_key", KeyText, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False, comment="SHA-256 of the request that used the key."),
    Column("status", Integer, comment="Nothing while the request is under way."),
    Column("sealed_answer", Text, comment="Sealed: the answer to a new token holds the token."),
    _number("kept_at"),
    PrimaryKeyConstraint("organization", "idempotency_key"),
    _of("organization", "organization"),
    Index("kept_answer_by_age", "kept_at"),
    comment="Answers of the REST API to writes with an Idempotency-Key.",
)
