"""The use cases of a participant: start, answer, take part as a guest, submit.

Each says what must be durable and awaits it before it returns; none holds a transaction while anything else goes on.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from hashlib import sha256

from entracte.campaigns.model import Form, Published, Question, Welcome
from entracte.connections.model import Connection
from entracte.participation.events import Event, EventKind
from entracte.participation.form import AnswerProblem, check_answer
from entracte.participation.keys import ParticipationKey, open_key, seal_key
from entracte.participation.model import Entry, Participation, Participations
from entracte.participation.prefill import Accepted, Rejected, complete, own_words, submitted
from entracte.protocol.seal import SealKeys, encode
from entracte.values import Clock, Json, ParticipationId


@dataclass(frozen=True, slots=True)
class Playing:
    """This browser holds this participation. Made only by `TakePart`.

    `generation` is that of the key which the browser showed; it is one behind while the answer that carried the new
    key may have been lost. Then `participation` is what it was before the sign-in: nobody's."""

    published: Published
    participation: Participation
    generation: int

    @property
    def key_is_current(self) -> bool:
        return self.generation == self.participation.generation


@dataclass(frozen=True, slots=True)
class TakePart:
    """The use cases, over what they need."""

    participations: Participations
    keys: SealKeys
    clock: Clock
    new_id: Callable[[], ParticipationId]

    async def start(self, published: Published, *, language: str, embed_page: str = "") -> Playing:
        """Begin a participation; it is durable when this returns."""
        now = self.clock()
        participation = Participation(
            organization=published.organization,
            campaign=published.number,
            id=self.new_id(),
            language=language,
            started_at=now,
            embed_page=embed_page,
        )
        started = event_of(participation, EventKind.STARTED, now)
        await self.participations.start(participation, [started])
        return Playing(published, participation, participation.generation)

    async def playing(self, published: Published, key_text: str) -> Playing | None:
        """The participation that a browser's key opens, or None: not ours, of another campaign, or of a generation
        that a sign-in has ended. The key from before the last sign-in opens what there was before it: the answers, and
        nothing of the person; and only until the new key was seen."""
        key = open_key(key_text, self.keys)
        if key is None or key.campaign != published.number:
            return None
        participation = await self.participations.get(published.organization, key.participation)
        if participation is None or participation.campaign != published.number:
            return None
        opened = _opened(key.generation, participation)
        return Playing(published, opened, key.generation) if opened is not None else None

    def key_text(self, playing: Playing) -> str:
        """What the browser is to hold from now on: of the generation that it has shown, or begun."""
        participation = playing.participation
        return seal_key(ParticipationKey(participation.campaign, participation.id, playing.generation), self.keys)

    async def speak(self, playing: Playing, language: str) -> Playing:
        """Go on in another language of the campaign."""
        participation = playing.participation
        if language == participation.language or language not in playing.published.definition.languages:
            return playing
        await self.participations.set_language(participation.organization, participation.id, language)
        return replace(playing, participation=replace(participation, language=language))

    async def answer(
        self, playing: Playing, step: Question | Welcome, given: Mapping[str, Sequence[str]]
    ) -> AnswerProblem | None:
        """Keep an answer, or say what is wrong with it. Nothing is overwritten after the entry."""
        answer: Json = None
        if not isinstance(step, Welcome):
            checked = check_answer(step, given)
            if isinstance(checked, AnswerProblem):
                return checked
            answer = checked
        participation, now = playing.participation, self.clock()
        # passing the welcome is no answer: the start was counted
        events = [] if isinstance(step, Welcome) else [event_of(participation, EventKind.ANSWERED, now, step.key)]
        await self.participations.keep_answer(
            participation.organization, participation.id, step.key, answer, now, events
        )
        return None

    async def sign_in_was_shown(self, playing: Playing) -> None:
        """The sign-in page was shown: a step of the funnel."""
        await self.participations.note([event_of(playing.participation, EventKind.SIGN_IN_SHOWN, self.clock())])

    async def take_part_as_guest(self, playing: Playing) -> bool:
        """Go on without an account, where the campaign allows it; False where it does not, and after the entry."""
        sign_in = playing.published.definition.sign_in
        if sign_in is None or not sign_in.guests:
            return False
        participation = playing.participation
        guest = event_of(participation, EventKind.GUEST, self.clock())
        return await self.participations.take_part_as_guest(participation.organization, participation.id, [guest])

    async def form_was_shown(self, playing: Playing) -> None:
        """The form was shown; the browser that shows the new key closes the one from before the sign-in."""
        participation = playing.participation
        shown = event_of(participation, EventKind.FORM_SHOWN, self.clock())
        await self.participations.form_was_shown(
            participation.organization, participation.id, playing.generation, [shown]
        )

    async def key_was_seen(self, playing: Playing) -> None:
        """A page that is not the form was asked for with the new key: closes the one from before the sign-in."""
        participation = playing.participation
        if participation.previous_key_open and playing.key_is_current:
            await self.participations.form_was_shown(
                participation.organization, participation.id, playing.generation, []
            )

    async def keep_draft(self, playing: Playing, sent: Mapping[str, str], connection: Connection | None) -> None:
        """Keep what was typed in the form before it is accepted, without what the account told."""
        participation, form = playing.participation, playing.published.definition.form
        draft = own_words(form, participation.profile, sent, prefill_opt_ins=may_prefill_opt_ins(connection))
        await self.participations.keep_draft(participation.organization, participation.id, draft)

    async def submit(
        self, playing: Playing, typed: Mapping[str, str], connection: Connection | None
    ) -> Rejected | None:
        """Keep the entry, once, or say what is wrong at which field; what was typed is kept either way."""
        participation, form = playing.participation, playing.published.definition.form
        outcome = submitted(
            form,
            participation.profile,
            typed,
            self.today(),
            prefill_opt_ins=may_prefill_opt_ins(connection),
        )
        if isinstance(outcome, Rejected):
            await self.keep_draft(playing, typed, connection)
            return outcome
        await self._enter(participation, outcome)
        return None

    async def submit_when_complete(self, playing: Playing, connection: Connection | None) -> bool:
        """Submit at once, where the form says so and the account told everything that it needs."""
        form: Form = playing.published.definition.form
        if form.submit != "when_complete" or playing.participation.profile is None:
            return False
        outcome = complete(
            form,
            playing.participation.profile,
            self.today(),
            prefill_opt_ins=may_prefill_opt_ins(connection),
            draft=playing.participation.draft,
        )
        if outcome is None:
            return False
        await self._enter(playing.participation, outcome)
        return True

    def today(self) -> date:
        """The date in UTC."""
        return datetime.fromtimestamp(self.clock(), UTC).date()

    async def _enter(self, participation: Participation, accepted: Accepted) -> None:
        now = self.clock()
        entry = Entry(
            organization=participation.organization,
            campaign=participation.campaign,
            participation=participation.id,
            entered_at=now,
            language=participation.language,
            signed_in=participation.profile is not None,
            person=participation.profile.person if participation.profile else b"",
            answers=participation.answers,
            values=accepted.values,
            outcomes=accepted.outcomes,
        )
        # a second submission makes no second entry; the first one stands
        await self.participations.enter(entry, [event_of(participation, EventKind.ENTERED, now)])


def event_of(participation: Participation, kind: EventKind, at: int, step: str = "") -> Event:
    """An event of a participation."""
    return Event(participation.organization, participation.campaign, participation.id, kind, at, step)


def account_mark(participation: Participation) -> str:
    """Stands in a form for the account that it was filled in from; empty for a guest. It says nothing by itself, and
    differs from one participation to the next."""
    if participation.profile is None:
        return ""
    return encode(sha256(participation.id.bytes + participation.profile.person).digest()[:12])


def may_prefill_opt_ins(connection: Connection | None) -> bool:
    return connection is not None and connection.config.prefill_opt_ins


def _opened(generation: int, participation: Participation) -> Participation | None:
    """What a key of this generation opens. The one before the current one may be all that the participant has, because
    the answer that carried the current one was lost; it may also be somebody's who planted it before the sign-in."""
    if generation == participation.generation:
        return participation
    if not participation.previous_key_open or generation != participation.generation - 1:
        return None
    return replace(participation, profile=None, draft={}) if participation.profile is not None else participation
