"""Statements for participations (`participation.model`), and the transactions around `attempts` and `entries`."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    false,
    insert,
    null,
    select,
    true,
    update,
)

from entracte import measures
from entracte.errors import Kind, LocalError, Problem
from entracte.participation.events import Event, Outcome
from entracte.participation.model import Attempt, Entry, Participation, Profile
from entracte.participation.provider_sessions import KeptSession
from entracte.store import attempts, entries, provider_sessions
from entracte.store.commits import Commits
from entracte.store.dialects import Upsert, or_nothing
from entracte.store.events import keep_events
from entracte.store.prepared import Prepared
from entracte.store.profiles import document, person, read_profile
from entracte.store.reads import MOST_KEYS, Lookup
from entracte.store.tables import answer as answers
from entracte.store.tables import participation as table
from entracte.values import AttemptNumber, CampaignNumber, Json, OrganizationNumber, ParticipationId

PAGE = 500
"""Entries in one page of an export."""

_Key = tuple[OrganizationNumber, ParticipationId]

_THIS = and_(table.c.organization == bindparam("of_organization"), table.c.id == bindparam("of_participation"))
_NOT_ENTERED = table.c.entered_at.is_(None)

_START = Upsert(table, lambda insert: or_nothing(insert).returning(table.c.id)).prepared()


def _keep_answer(insert: Any) -> Any:
    # FOR SHARE: on PostgreSQL an entry of another process waits for this answer, or this answer sees the entry.
    not_entered = (
        select(
            table.c.organization,
            table.c.id,
            bindparam("at_step", type_=answers.c.step.type),
            bindparam("given_answer", type_=answers.c.answer.type),
            bindparam("kept_now", type_=answers.c.kept_at.type),
        )
        .where(_THIS, _NOT_ENTERED)
        .with_for_update(read=True)
    )
    chosen = insert.from_select(["organization", "participation", "step", "answer", "kept_at"], not_entered)
    return chosen.on_conflict_do_update(
        index_elements=[answers.c.organization, answers.c.participation, answers.c.step],
        set_={"answer": chosen.excluded.answer, "kept_at": chosen.excluded.kept_at},
    ).returning(answers.c.step)


def _update(*conditions: ColumnElement[bool], **values: Any) -> Any:
    return update(table).where(_THIS, *conditions).values(**values)


def _change(*conditions: ColumnElement[bool], **values: Any) -> Prepared:
    statement = _update(*conditions, **values)
    return Prepared(lambda connection: statement)


_KEEP_ANSWER = Upsert(answers, _keep_answer).prepared()
_KEEP_DRAFT = _change(_NOT_ENTERED, draft=bindparam("given_draft", type_=table.c.draft.type))
_SET_LANGUAGE = _change(language=bindparam("chosen_language"))
_TAKE_PART_AS_GUEST = _change(_NOT_ENTERED, guest=true(), profile=null(), person=null())
_CLOSE_PREVIOUS_KEY = _change(
    table.c.generation == bindparam("seen_generation"), table.c.previous_key_open.is_(true()), previous_key_open=false()
)
_PUT_PROFILE = _update(
    profile=bindparam("new_profile", type_=table.c.profile.type),
    person=bindparam("new_person", type_=table.c.person.type),
    guest=false(),
    sign_in_outcome=Outcome.SIGNED_IN.value,
    generation=table.c.generation + 1,
    previous_key_open=true(),
).returning(table.c.generation)
_SIGN_IN = Prepared(lambda connection: _PUT_PROFILE)
_REACH_SIGNED_IN = _change(sign_in_outcome=Outcome.SIGNED_IN.value)


_SIZES = tuple(2**power for power in range(MOST_KEYS.bit_length()))
"""How many participations one query can ask for."""


@cache
def _of_size(size: int) -> tuple[Prepared, Prepared]:
    """The queries for so many participations and for their answers."""
    ids = [bindparam(f"id_{place}", type_=table.c.id.type) for place in range(size)]
    get = select(table).where(table.c.organization == bindparam("of_organization"), table.c.id.in_(ids))
    get_answers = select(answers.c.participation, answers.c.step, answers.c.answer).where(
        answers.c.organization == bindparam("of_organization"), answers.c.participation.in_(ids)
    )
    return Prepared(lambda connection: get), Prepared(lambda connection: get_answers)


class StoredParticipations:
    """`participation.model.Participations`."""

    def __init__(self, commits: Commits) -> None:
        self._commits = commits
        self._participations: Lookup[_Key, Participation] = Lookup(commits, _load)

    async def start(self, participation: Participation, events: Sequence[Event]) -> None:
        row = _row(participation)
        kept_answers = [_answer_row(participation, step, given) for step, given in participation.answers.items()]

        def work(connection: Connection) -> None:
            is_new = _START.first(connection, row) is not None
            if is_new and kept_answers:
                connection.execute(insert(answers), kept_answers)
            keep_events(connection, events)

        await self._commits.write(work)

    async def get(self, organization: OrganizationNumber, participation: ParticipationId) -> Participation | None:
        return await self._participations.find((organization, participation))

    async def keep_answer(
        self,
        organization: OrganizationNumber,
        participation: ParticipationId,
        step: str,
        answer: Json,
        at: int,
        events: Sequence[Event],
    ) -> bool:
        given = _this(organization, participation) | {"at_step": step, "given_answer": answer, "kept_now": at}

        def work(connection: Connection) -> bool:
            if _KEEP_ANSWER.first(connection, given) is None:
                return False
            keep_events(connection, events)
            return True

        return await self._commits.write(work)

    async def keep_draft(
        self, organization: OrganizationNumber, participation: ParticipationId, draft: Mapping[str, Json]
    ) -> None:
        """Not after the entry: it would be one more copy of a person's values, and nobody would empty it."""
        await self._change(_KEEP_DRAFT, _this(organization, participation) | {"given_draft": dict(draft)})

    async def set_language(
        self, organization: OrganizationNumber, participation: ParticipationId, language: str
    ) -> None:
        await self._change(_SET_LANGUAGE, _this(organization, participation) | {"chosen_language": language})

    async def take_part_as_guest(
        self, organization: OrganizationNumber, participation: ParticipationId, events: Sequence[Event]
    ) -> bool:
        def work(connection: Connection) -> bool:
            if _TAKE_PART_AS_GUEST.change(connection, _this(organization, participation)) == 0:
                return False
            keep_events(connection, events)
            return True

        return await self._commits.write(work)

    async def note(self, events: Sequence[Event]) -> None:
        if events:
            await self._commits.write(lambda connection: keep_events(connection, events))

    async def form_was_shown(
        self,
        organization: OrganizationNumber,
        participation: ParticipationId,
        generation: int,
        events: Sequence[Event],
    ) -> None:
        given = _this(organization, participation) | {"seen_generation": generation}
        await self._change(_CLOSE_PREVIOUS_KEY, given, events)

    async def attempt_was_sent(self, attempt: Attempt, events: Sequence[Event]) -> None:
        def work(connection: Connection) -> None:
            attempts.keep_sent(connection, attempt)
            keep_events(connection, events)

        await self._commits.write(work)
        measures.sign_in(Outcome.SENT.value)

    async def consume_attempt(self, attempt: Attempt, at: int, events: Sequence[Event]) -> bool:
        def work(connection: Connection) -> bool:
            if not attempts.consume(connection, attempt, at):
                return False
            keep_events(connection, events)
            return True

        return await self._commits.write(work)

    async def finish_attempt(self, attempt: Attempt) -> None:
        def work(connection: Connection) -> bool:
            if not attempts.finish(connection, attempt):
                return False
            attempts.follow(connection, attempt, attempt.outcome)
            return True

        if await self._commits.write(work):
            measures.sign_in(attempt.outcome.value, attempt.reason)

    async def sign_in(self, attempt: Attempt, profile: Profile, session: KeptSession | None = None) -> int:
        """LocalError `participation_unknown` when there is no such participation."""
        done = _signed_in(attempt)

        def work(connection: Connection) -> int:
            generation = _put_profile(connection, attempt.organization, attempt.participation, profile)
            attempts.finish(connection, done)
            if session is not None:
                provider_sessions.replace(connection, session)
            return generation

        generation = await self._commits.write(work)
        measures.sign_in(Outcome.SIGNED_IN.value)
        return generation

    async def hold_profile(self, attempt: Attempt, profile: Profile, session: KeptSession | None = None) -> None:
        held = _signed_in(attempt, profile)

        def work(connection: Connection) -> None:
            attempts.finish(connection, held)
            _REACH_SIGNED_IN.change(connection, _this(attempt.organization, attempt.participation))
            if session is not None:
                provider_sessions.keep(connection, session)

        await self._commits.write(work)
        measures.sign_in(Outcome.SIGNED_IN.value)

    async def claim_profile(
        self, organization: OrganizationNumber, participation: ParticipationId, number: AttemptNumber
    ) -> int | None:
        def work(connection: Connection) -> int | None:
            profile = attempts.take_held_profile(connection, organization, participation, number)
            if profile is None:
                return None
            return _put_profile(connection, organization, participation, profile)

        return await self._commits.write(work)

    async def attempt(
        self, organization: OrganizationNumber, participation: ParticipationId, number: AttemptNumber
    ) -> Attempt | None:
        return await self._commits.read(
            lambda connection: attempts.one(connection, organization, participation, number)
        )

    async def latest_attempt(self, organization: OrganizationNumber, participation: ParticipationId) -> Attempt | None:
        return await self._commits.read(lambda connection: attempts.latest(connection, organization, participation))

    async def enter(self, entry: Entry, events: Sequence[Event]) -> bool:
        def work(connection: Connection) -> bool:
            if not entries.keep(connection, entry):
                return False
            keep_events(connection, events)
            return True

        return await self._commits.write(work)

    async def latest_entries(
        self, organization: OrganizationNumber, campaign: CampaignNumber, limit: int
    ) -> list[Entry]:
        return await self._commits.read(lambda connection: entries.latest(connection, organization, campaign, limit))

    async def entries(self, organization: OrganizationNumber, campaign: CampaignNumber) -> AsyncIterator[Entry]:
        after: Entry | None = None
        while True:
            page = await self._page(organization, campaign, after)
            for entry in page:
                yield entry
            if len(page) < PAGE:
                return
            after = page[-1]

    async def _page(
        self, organization: OrganizationNumber, campaign: CampaignNumber, after: Entry | None
    ) -> list[Entry]:
        return await self._commits.read(
            lambda connection: entries.page(connection, organization, campaign, after, PAGE)
        )

    async def _change(self, statement: Prepared, given: dict[str, Any], events: Sequence[Event] = ()) -> None:
        def work(connection: Connection) -> None:
            statement.change(connection, given)
            keep_events(connection, events)

        await self._commits.write(work)


def _this(organization: OrganizationNumber, participation: ParticipationId) -> dict[str, Any]:
    return {"of_organization": organization, "of_participation": participation}


def _signed_in(attempt: Attempt, held: Profile | None = None) -> Attempt:
    return replace(attempt, outcome=Outcome.SIGNED_IN, reason="", held_profile=held)


def _put_profile(
    connection: Connection, organization: OrganizationNumber, participation: ParticipationId, profile: Profile
) -> int:
    given = {"new_profile": document(profile), "new_person": person(profile)}
    found = _SIGN_IN.first(connection, _this(organization, participation) | given)
    if found is None:
        raise LocalError(Problem(Kind.NOT_FOUND, "participation_unknown", "There is no such participation."))
    generation: int = found["generation"]
    return generation


def _load(connection: Connection, keys: Collection[_Key]) -> Mapping[_Key, Participation]:
    # For each organization its own query: for pairs of keys SQLite would read the whole table, and Citus every shard.
    ids: dict[OrganizationNumber, list[ParticipationId]] = {}
    for organization, participation in keys:
        ids.setdefault(organization, []).append(participation)
    return {
        (organization, found.id): found
        for organization, participations in ids.items()
        for found in _load_of(connection, organization, participations)
    }


def load(
    connection: Connection, organization: OrganizationNumber, ids: Sequence[ParticipationId]
) -> dict[ParticipationId, Participation]:
    """Those that there are, with their answers."""
    return {
        found.id: found
        for start in range(0, len(ids), MOST_KEYS)
        for found in _load_of(connection, organization, ids[start : start + MOST_KEYS])
    }


def _load_of(
    connection: Connection, organization: OrganizationNumber, ids: Sequence[ParticipationId]
) -> list[Participation]:
    size = next(size for size in _SIZES if size >= len(ids))
    get, get_answers = _of_size(size)
    # what is missing to the size is the last one again: there are few texts, and each is compiled once
    given: dict[str, Any] = {"of_organization": organization}
    given.update((f"id_{place}", ids[min(place, len(ids) - 1)]) for place in range(size))
    kept: dict[ParticipationId, dict[str, Json]] = {}
    for row in get_answers.rows(connection, given):
        kept.setdefault(row["participation"], {})[row["step"]] = row["answer"]
    return [_read(row, kept.get(row["id"], {})) for row in get.rows(connection, given)]


def _row(participation: Participation) -> dict[str, Any]:
    outcome = participation.sign_in_outcome
    return {
        "organization": participation.organization,
        "id": participation.id,
        "campaign": participation.campaign,
        "language": participation.language,
        "started_at": participation.started_at,
        "embed_page": participation.embed_page,
        "generation": participation.generation,
        "previous_key_open": participation.previous_key_open,
        "guest": participation.guest,
        "sign_in_outcome": outcome.value if outcome is not None else None,
        "profile": document(participation.profile),
        "person": person(participation.profile),
        "draft": dict(participation.draft),
        "entered_at": participation.entered_at,
    }


def _answer_row(participation: Participation, step: str, given: Json) -> dict[str, Any]:
    return {
        "organization": participation.organization,
        "participation": participation.id,
        "step": step,
        "answer": given,
        "kept_at": participation.started_at,
    }


def _read(row: Mapping[str, Any], kept: Mapping[str, Json]) -> Participation:
    outcome = row["sign_in_outcome"]
    return Participation(
        organization=OrganizationNumber(row["organization"]),
        campaign=CampaignNumber(row["campaign"]),
        id=ParticipationId(row["id"]),
        language=row["language"],
        started_at=row["started_at"],
        embed_page=row["embed_page"],
        generation=row["generation"],
        previous_key_open=row["previous_key_open"],
        guest=row["guest"],
        sign_in_outcome=Outcome(outcome) if outcome is not None else None,
        profile=read_profile(row["profile"], row["person"]),
        draft=row["draft"],
        entered_at=row["entered_at"],
        answers=kept,
    )
