"""The sign-in as a part of a participation: send the browser away, take it back, attach the profile.

A state that opened is not enough: this browser must hold the key of the participation that the state names
(or, for a framed campaign, the cookie of the top window that began this attempt), and the attempt is consumed once,
before the code is redeemed (RFC 9700 section 2.1).
"""

from dataclasses import dataclass, replace

from entracte.campaigns.model import Published
from entracte.connections.addresses import redirect_uri_of
from entracte.connections.authorization_response import Came
from entracte.connections.model import Connection
from entracte.connections.providers import Providers
from entracte.connections.server import Server, server_of
from entracte.connections.sign_in import SignedIn, begin, complete, short_code
from entracte.participation.events import EventKind, Outcome
from entracte.participation.keys import HANDLE_AGE, Ticket, open_ticket, seal_ticket
from entracte.participation.model import OPEN_ATTEMPTS, Attempt, Participations, Profile
from entracte.participation.provider_sessions import KeptSession, with_told
from entracte.participation.take_part import Playing, event_of
from entracte.participation.trips import (
    ATTEMPT_COOKIE,
    POPUP_COOKIE,
    RETURN_HANDLE,
    Back,
    Proof,
    Returned,
    Sent,
    Trip,
    attempt_of,
    is_of,
)
from entracte.protocol.errors import Reason, Refused
from entracte.protocol.seal import SealKeys
from entracte.protocol.state import OpenedState, StateContent, seal_state
from entracte.values import AttemptNumber, Clock, Entropy

IN_PROGRESS = 30
"""Seconds for which a consumed attempt without an outcome is still being worked on."""

LOST_ANSWER = 300
"""Seconds in which the return of a sign-in, asked for again, still brings the key that it brought the first time."""


@dataclass(frozen=True, slots=True)
class SigningIn:
    """The use cases, over what they need."""

    participations: Participations
    providers: Providers
    keys: SealKeys
    clock: Clock
    entropy: Entropy
    oauth_url: str
    """The address of the OAuth service, where servers find what we publish."""

    async def send(
        self,
        playing: Playing,
        connection: Connection,
        *,
        another_account: bool,
        popup: bool = False,
        framed: bool = False,
        login_hint: str = "",
    ) -> Sent | Returned:
        """Begin an attempt. The state needs no write; the attempt is kept for the funnel. Where the server is asked
        before the browser goes (pushed requests) and refuses, the attempt has failed, and the browser is back already.
        """
        participation, now = playing.participation, self.clock()
        number = AttemptNumber(int.from_bytes(self.entropy(4), "big"))
        content = StateContent(participation.campaign, connection.number, participation.id, number, now)
        state = seal_state(content, self.keys)
        attempt = attempt_of(participation, content, short_code(state, self.keys))
        ticket = Ticket(participation.id, number, now, popup=popup)
        sent = event_of(participation, EventKind.SIGN_IN_SENT, now)
        try:
            begun = await begin(
                self._server(connection, now),
                content,
                redirect_uri=redirect_uri_of(connection, self.oauth_url),
                language=participation.language,
                another_account=another_account,
                address=self.oauth_url,
                login_hint=login_hint,
            )
        except Refused as refusal:
            await self.participations.attempt_was_sent(attempt, [sent])
            await self._finish(attempt, refusal.reason, refusal.evidence)
            by_ticket = ticket if popup or framed else None
            return self._answer(Trip(playing, attempt, by_ticket), Back.MISHAP)
        await self.participations.attempt_was_sent(attempt, [sent])
        purpose = POPUP_COOKIE if popup else ATTEMPT_COOKIE
        return Sent(begun.url, number, seal_ticket(ticket, purpose, self.keys))

    def ticket(self, text: str) -> Ticket | None:
        """The ticket of an attempt cookie."""
        ticket = open_ticket(text, ATTEMPT_COOKIE, self.keys)
        if ticket is not None:
            return ticket
        ticket = open_ticket(text, POPUP_COOKIE, self.keys)
        return replace(ticket, popup=True) if ticket else None

    async def take_back(
        self,
        published: Published,
        state: str,
        opened: OpenedState,
        came: Came,
        proof: Proof,
        connection: Connection,
        person_key: bytes,
    ) -> Returned:
        """Finish an attempt whose browser came back. Every refusal is recorded with its reason."""
        trip = await self._proven(published, state, opened.content, proof)
        if trip is None:
            return Returned(Back.OTHER_BROWSER)
        now = self.clock()
        came_back = event_of(trip.participation, EventKind.SIGN_IN_RETURNED, now)
        if not await self.participations.consume_attempt(trip.attempt, now, [came_back]):
            return await self._used_before(trip)
        try:
            signed_in = await complete(
                opened,
                state,
                came,
                self._server(connection, now),
                person_key=person_key,
                redirect_uri=redirect_uri_of(connection, self.oauth_url),
            )
        except Refused as refusal:
            await self._finish(trip.attempt, refusal.reason, refusal.evidence)
            return self._answer(trip, Back.MISHAP)
        except Exception:
            await self._finish(trip.attempt, Reason.ATTEMPT_INTERRUPTED)
            raise
        return await self._attach(trip, signed_in)

    async def expired(
        self, published: Published, state: str, content: StateContent, proof: Proof, reason: Reason
    ) -> Returned:
        """A state of ours that can not be used any more: recorded for the browser that began it."""
        trip = await self._proven(published, state, content, proof)
        if trip is None:
            return Returned(Back.OTHER_BROWSER)
        if await self.participations.consume_attempt(trip.attempt, self.clock(), []):
            await self._finish(trip.attempt, reason)
        return self._answer(trip, Back.MISHAP)

    async def handed_over(self, published: Published, handle: str) -> str | None:
        """Where a pop-up leads whose opener is gone: the brand's page that frames the campaign, empty where no page
        does; None for a handle that is not ours."""
        ticket = open_ticket(handle, RETURN_HANDLE, self.keys)
        if ticket is None:
            return None
        kept = await self.participations.get(published.organization, ticket.participation)
        return kept.embed_page if kept else None

    async def claim(self, playing: Playing, handle: str) -> Playing:
        """In a frame: take what the top window brought, once. Anything else leaves the participation as it is."""
        ticket = open_ticket(handle, RETURN_HANDLE, self.keys)
        participation = playing.participation
        if ticket is None or ticket.participation != participation.id:
            return playing
        if self.clock() - ticket.issued_at > HANDLE_AGE:
            return playing
        generation = await self.participations.claim_profile(
            participation.organization, participation.id, ticket.attempt
        )
        if generation is None:
            return await self._begun_by(playing, ticket.attempt) or playing
        kept = await self.participations.get(participation.organization, participation.id)
        return Playing(playing.published, kept or participation, generation)

    async def _proven(self, published: Published, state: str, content: StateContent, proof: Proof) -> "Trip | None":
        """The trip that the state names, when this browser began it and it belongs to this campaign."""
        if content.campaign != published.number:
            return None
        ticket = proof.ticket if proof.ticket and is_of(proof.ticket, content) else None
        participation = proof.playing.participation if proof.playing else None
        if ticket is not None:
            participation = await self.participations.get(published.organization, content.participation)
        if participation is None or participation.id != content.participation:
            return None
        if participation.campaign != published.number:
            return None
        if ticket is not None and not ticket.popup and not participation.embed_page:
            return None  # no page frames it: its key in an address was put there by somebody who has it, too
        attempt = attempt_of(participation, content, short_code(state, self.keys))
        shown = proof.playing.generation if proof.playing and ticket is None else participation.generation
        return Trip(Playing(published, participation, shown), attempt, ticket)

    def _server(self, connection: Connection, now: int) -> Server:
        return server_of(connection, self.providers, self.keys, self.entropy, now)

    async def _attach(self, trip: Trip, signed_in: SignedIn) -> Returned:
        mapped = signed_in.mapped
        profile = Profile(mapped.attributes, mapped.verified, mapped.account, signed_in.person)
        finished = replace(trip.attempt, outcome=Outcome.SIGNED_IN, finished_at=self.clock())
        session = self._session(finished, signed_in)
        if trip.ticket is not None:
            await self.participations.hold_profile(finished, profile, session)
            return self._answer(trip, Back.SIGNED_IN)
        generation = await self.participations.sign_in(finished, profile, session)
        kept = replace(trip.participation, profile=profile, guest=False, generation=generation, previous_key_open=True)
        return self._answer(replace(trip, playing=Playing(trip.playing.published, kept, generation)), Back.SIGNED_IN)

    def _session(self, attempt: Attempt, signed_in: SignedIn) -> KeptSession | None:
        """What is kept of the session at the server, for connections that sign out."""
        if signed_in.session is None:
            return None
        of = KeptSession(
            attempt.organization,
            attempt.campaign,
            attempt.participation,
            attempt.number,
            attempt.connection,
            attempt.finished_at or 0,
            signed_in.person,
        )
        return with_told(of, signed_in.session, self.keys)

    async def _used_before(self, trip: Trip) -> Returned:
        """A reload, or Back: the same browser with a state that was consumed. It goes where the first one went."""
        attempt = trip.attempt
        kept = await self.participations.attempt(attempt.organization, attempt.participation, attempt.number)
        if kept is None or kept.outcome is Outcome.SIGNED_IN:
            playing = trip.playing if trip.ticket else await self._begun_by(trip.playing, attempt.number)
            return self._answer(replace(trip, playing=playing or trip.playing), Back.SIGNED_IN)
        if kept.outcome in (Outcome.CANCELLED, Outcome.FAILED):
            return self._answer(trip, Back.MISHAP)
        if kept.consumed_at is None:
            await self._finish(attempt, Reason.STATE_EXPIRED, f"{OPEN_ATTEMPTS} were begun after it.")
            return self._answer(trip, Back.MISHAP)
        if self.clock() - kept.consumed_at < IN_PROGRESS:
            return self._answer(trip, Back.IN_PROGRESS)
        await self._finish(attempt, Reason.ATTEMPT_INTERRUPTED)
        return self._answer(trip, Back.MISHAP)

    async def _begun_by(self, playing: Playing, number: AttemptNumber) -> Playing | None:
        """The participation as this attempt has left it, for a browser that asks once more because the answer was lost:
        by the state or the handle of the sign-in, which whoever planted the key before it does not have. None for an
        attempt that did not begin the current generation, and when that is too long ago."""
        organization, participation = playing.participation.organization, playing.participation.id
        # read anew: the first return may have begun the next generation since this request was read
        fresh = await self.participations.get(organization, participation)
        if fresh is None or playing.generation == fresh.generation:
            return Playing(playing.published, fresh, fresh.generation) if fresh else None
        latest = await self.participations.latest_attempt(organization, participation)
        if latest is None or latest.number != number or self.clock() - (latest.finished_at or 0) > LOST_ANSWER:
            return None
        is_next = fresh.previous_key_open and playing.generation == fresh.generation - 1
        return Playing(playing.published, fresh, fresh.generation) if is_next else None

    async def _finish(self, attempt: Attempt, reason: Reason, evidence: str = "") -> None:
        outcome = Outcome.CANCELLED if reason is Reason.ACCESS_DENIED else Outcome.FAILED
        await self.participations.finish_attempt(
            replace(attempt, outcome=outcome, reason=reason.code, evidence=evidence, finished_at=self.clock())
        )

    def _answer(self, trip: Trip, back: Back) -> Returned:
        playing = trip.playing
        if trip.ticket is None:
            return Returned(back, playing)
        handle = Ticket(trip.participation.id, trip.attempt.number, self.clock())
        return Returned(
            back,
            playing,
            seal_ticket(handle, RETURN_HANDLE, self.keys),
            trip.participation.embed_page,
            popup=trip.ticket.popup,
        )
