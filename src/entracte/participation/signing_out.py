"""Signing out: the identity leaves the participation. Answers stay, and so does an entry.

Begun by the participant on our pages, by the authorization server (told through the browser or from server to server),
or by a page of ours that watches the session there. Whoever begins it, the identity is gone here before anything else
happens: no answer of the server, and no return from it, is needed for that.
"""

import struct
from dataclasses import dataclass, field, replace
from uuid import UUID

from entracte.connections.addresses import SIGNED_OUT
from entracte.connections.model import Connection, ConnectionConfig
from entracte.connections.provider_sessions import ID_TOKEN, SESSION_STATE, opened_for, session_hash
from entracte.connections.server import Server
from entracte.connections.settings import Encrypted, SignOutHint
from entracte.connections.sign_in import person_hash
from entracte.participation.model import Participation, Participations
from entracte.participation.provider_sessions import KeptSession, Logout, ProviderSessions
from entracte.participation.take_part import Playing
from entracte.protocol.errors import Reason, Refused, refuse
from entracte.protocol.jwe import is_encrypted
from entracte.protocol.logout import LogoutExpectation, LogoutReturn, LogoutToken, logout_url, verify_logout_token
from entracte.protocol.seal import SealKeys, open_sealed, seal
from entracte.protocol.session_management import session_check, session_message
from entracte.values import CampaignNumber, Clock, ParticipationId, Secret

RETURN_AGE = 3600
"""Seconds for which a return from a sign-out leads back to its campaign: the server may ask the person before."""
LONGEST_HINT = 4096
"""Characters of an ID token that still goes into an address: with more, servers cut the address or refuse it. Without a
hint the server asks the person (RP-Initiated Logout section 2)."""

_PURPOSE = "signed out v1"
_LAYOUT = struct.Struct(">I16sI")


@dataclass(frozen=True, slots=True)
class SignedOut:
    """The identity has left. `url` is where the browser goes to be signed out at the server too; None: nowhere."""

    playing: Playing
    url: Secret | None


@dataclass(frozen=True, slots=True)
class CameBack:
    """A return from the server. `participation` and `campaign` are None when nobody knows of which sign-out it is."""

    how: LogoutReturn
    campaign: CampaignNumber | None = None
    participation: ParticipationId | None = None


@dataclass(frozen=True, slots=True)
class Watch:
    """What a page needs to ask the server's frame (Session Management section 3.1)."""

    frame: str
    origin: str
    message: str = field(repr=False)
    seconds: int = 15
    """Between two questions. The script never asks more often than every 5."""


@dataclass(frozen=True, slots=True)
class SigningOut:
    """The use cases, over what they need."""

    participations: Participations
    sessions: ProviderSessions
    keys: SealKeys
    clock: Clock
    oauth_url: str
    """The address of the OAuth service, to which the server sends the browser back."""

    async def sign_out(self, playing: Playing, connection: Connection) -> SignedOut | None:
        """The participant signs out: here, and then at the server of the campaign's connection. None when nobody was
        signed in."""
        profile = playing.participation.profile
        if profile is None:
            return None
        left = await self._leave(playing)
        if left is None:
            return None
        after, session = left
        if not connection.config.sign_out:
            return SignedOut(after, None)
        return SignedOut(after, self._url(playing.participation, connection, session))

    async def leave(self, playing: Playing) -> Playing | None:
        """The identity leaves here alone: the session at the server is over, or another one. None when nobody was
        signed in."""
        left = await self._leave(playing)
        return left[0] if left is not None else None

    async def told_in_browser(self, connection: Connection, session: str, person_key: bytes) -> int:
        """A front-channel logout that names a session: how many sign-ins it was of."""
        named = session_hash(person_key, connection.config.issuer, session)
        logout = Logout(connection.organization, connection.number, session=named)
        return await self.sessions.end(logout, self.clock()) or 0

    async def told_by_server(self, token: Secret, server: Server, person_key: bytes) -> int:
        """A back-channel logout: how many sign-ins it was of. Refuses `TOKEN_*`, `TOKEN_REPLAYED` for a token that was
        used before, and as `fetch` does when the server's keys can not be had."""
        proven = await self._proven(token, server)
        connection = server.connection
        issuer, number = connection.config.issuer, connection.number
        logout = Logout(
            connection.organization,
            number,
            session=session_hash(person_key, issuer, proven.session) if proven.session is not None else None,
            person=person_hash(person_key, issuer, proven.subject) if proven.subject is not None else None,
        )
        ended = await self.sessions.end(logout, self.clock(), proven.replay)
        if ended is None:
            raise refuse(Reason.TOKEN_REPLAYED)
        return ended

    async def watch(self, playing: Playing, connection: Connection) -> Watch | None:
        """What the form asks the server's frame; None where the connection does not watch, or this sign-in told of no
        session to ask about."""
        participation, config = playing.participation, connection.config
        if not config.watch_session or participation.profile is None:
            return None
        kept = await self.sessions.current(participation.organization, participation.id, participation.profile.person)
        if kept is None or kept.connection != connection.number:
            return None
        state = self._opened(SESSION_STATE, kept.sealed_session_state, kept)
        if state is None:
            return None
        check = session_check(config.check_session_iframe)
        return Watch(check.url, check.origin, session_message(config.client_id, state.reveal()))

    def came_back(self, state: str) -> CameBack:
        """How the browser came back from the server. Nothing is left to do, whichever it is."""
        if not state:
            return CameBack(LogoutReturn.NO_STATE)
        try:
            content = open_sealed(state, _PURPOSE, self.keys)
        except Refused:
            return CameBack(LogoutReturn.OTHER_STATE)
        campaign, participation, left_at = _LAYOUT.unpack(content)
        if self.clock() - left_at > RETURN_AGE:
            return CameBack(LogoutReturn.OTHER_STATE)
        return CameBack(LogoutReturn.OURS, CampaignNumber(campaign), ParticipationId(UUID(bytes=participation)))

    async def _leave(self, playing: Playing) -> tuple[Playing, KeptSession | None] | None:
        participation = playing.participation
        if participation.profile is None:
            return None
        left = await self.sessions.leave(
            participation.organization, participation.id, participation.profile.person, self.clock()
        )
        if left is None:
            return None
        kept = replace(participation, profile=None, draft={}, generation=left.generation, previous_key_open=True)
        return Playing(playing.published, kept, kept.generation), left.session

    def _url(self, participation: Participation, connection: Connection, session: KeptSession | None) -> Secret | None:
        config = connection.config
        if session is not None and session.connection != connection.number:
            return None  # the campaign has changed its login since: the new one does not know the person
        state = _LAYOUT.pack(participation.campaign, participation.id.bytes, self.clock())
        try:
            return logout_url(
                config.end_session_endpoint,
                client_id=config.client_id,
                id_token_hint=self._id_token_hint(config, session),
                logout_hint=_account(config, participation),
                post_logout_redirect_uri=f"{self.oauth_url}{SIGNED_OUT}",
                state=seal(state, _PURPOSE, self.keys),
                ui_locales=(participation.language,),
            )
        except Refused:  # the endpoint's own query says what we would: there is no right address
            return None

    def _id_token_hint(self, config: ConnectionConfig, session: KeptSession | None) -> Secret | None:
        if session is None or config.sign_out_hint is not SignOutHint.ID_TOKEN:
            return None
        token = self._opened(ID_TOKEN, session.sealed_id_token, session)
        return token if token is not None and len(token.reveal()) <= LONGEST_HINT else None

    def _opened(self, what: str, sealed: str | None, session: KeptSession) -> Secret | None:
        try:
            return opened_for(what, sealed, session.organization, self.keys)
        except Refused:  # sealed with a key that was dropped: it was only a hint
            return None

    async def _proven(self, token: Secret, server: Server) -> LogoutToken:
        config = server.config
        # who registered encrypted ID tokens may get these encrypted too, and may not (Back-Channel Logout section 2.4)
        encrypted = Encrypted.ID_TOKEN in config.encrypted and is_encrypted(token)
        signed = server.opened(token, encrypted=encrypted)
        # signed by the same keys as an ID token (section 2.6)
        algorithms = config.id_token_algorithms
        expectation = LogoutExpectation(config.issuer, config.client_id, frozenset(algorithms))
        return await server.proven(
            algorithms, lambda keys: verify_logout_token(signed, keys, expectation, now=server.now)
        )


def _account(config: ConnectionConfig, participation: Participation) -> str:
    if config.sign_out_hint is not SignOutHint.ACCOUNT or participation.profile is None:
        return ""
    return participation.profile.account
