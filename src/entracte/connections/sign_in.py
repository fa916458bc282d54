"""One sign-in at a connection, from the address to send the browser to, to the proven person.

`begin` needs no network. `complete` speaks to the endpoints of the connection that the opened state
names, never to one that a parameter names, and holds no transaction while it does.
"""

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from entracte.connections.authorization_request import Asked, request_address
from entracte.connections.authorization_response import Came, check_address, parameters_of, posted_names
from entracte.connections.claims import MappedClaims, map_claims_beside
from entracte.connections.identity import check_same
from entracte.connections.profile_sources import Granted, give_back, profile_claims, subject_of
from entracte.connections.profiles import Profile
from entracte.connections.provider_sessions import ProviderSession, provider_session, session_state_of
from entracte.connections.requested_claims import demanded_contexts, demanded_subjects
from entracte.connections.server import Server
from entracte.connections.settings import Encrypted
from entracte.protocol.authorization import RESPONSE_TYPES, AuthorizationResponse, read_callback
from entracte.protocol.client_auth import Client, Moment
from entracte.protocol.errors import Reason, refuse
from entracte.protocol.id_token import Companions, IdTokenExpectation, VerifiedClaims, verify_id_token
from entracte.protocol.messages import HttpRequest
from entracte.protocol.seal import SealKeys, derive
from entracte.protocol.state import OpenedState, StateContent, seal_state
from entracte.protocol.token import Tokens, read_token_response, token_request
from entracte.values import Secret

SHORT_CODE_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""32 characters that nobody mistakes for each other on the telephone."""
_CODE_LETTERS = re.compile(f"[{SHORT_CODE_ALPHABET}]{{6}}")
_LOOK_ALIKE = str.maketrans("1I", "LL")
_BETWEEN = re.compile(r"[\s._\u2010-\u2015\u2212-]+")
"""Blanks, dots, and every hyphen and dash that a phone or a letter makes of a hyphen."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in that may begin: where the browser goes, and the code that the participant may quote."""

    url: str = field(repr=False)
    short_code: str


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A proven person. Made only by `complete`. `person` is a keyed hash of issuer and subject."""

    mapped: MappedClaims
    person: bytes = field(repr=False)
    session: ProviderSession | None = None
    """None where the connection keeps nothing of the session at the server."""


async def begin(
    server: Server,
    content: StateContent,
    *,
    redirect_uri: str,
    language: str,
    another_account: bool,
    address: str = "",
    login_hint: str = "",
) -> Begun:
    """Seal a state and write the authorization URL. `another_account` asks the server to show its login
    (`prompt`, OpenID Connect Core section 3.1.2.1) even to somebody whom it knows. `address` is that of our OAuth
    service, for requests that the server asks us for. `login_hint` is what the server said when it
    sent the person here.

    Speaks to the server where the connection pushes its requests, or encrypts them; then it refuses as `fetch` does,
    and `REQUEST_REFUSED`.
    """
    server = server.since(content.issued_at)
    asked = Asked(content, redirect_uri, language, another_account, login_hint)
    state = seal_state(content, server.keys)
    return Begun(await request_address(server, asked, state, address), short_code(state, server.keys))


def short_code(state: str, keys: SealKeys) -> str:
    """The code of an attempt that the participant may quote, such as `K7Q-2M4`: 30 bits derived from the state."""
    return code_of(int.from_bytes(derive(state, "short code", keys)[:4], "big"))


def code_of(number: int) -> str:
    """The low 30 bits of a number as a short code."""
    letters = "".join(SHORT_CODE_ALPHABET[(number >> shift) & 31] for shift in range(0, 30, 5))
    return f"{letters[:3]}-{letters[3:]}"


def short_code_from(text: str) -> str:
    """A short code as people say and type it: in small letters, with blanks or without the hyphen, a one for an L. What
    can be no code is empty, and nobody's."""
    letters = _BETWEEN.sub("", text).upper().translate(_LOOK_ALIKE)
    return f"{letters[:3]}-{letters[3:]}" if _CODE_LETTERS.fullmatch(letters) else ""


async def complete(
    opened: OpenedState, state: str, came: Came, server: Server, *, person_key: bytes, redirect_uri: str
) -> SignedIn:
    """Redeem the code and prove the answer. The caller has proven the browser and consumed the attempt.

    Raises `Refused` with the reason to record; after a refusal no further endpoint is called.
    """
    config = server.config
    check_same(server.connection, opened.content.issued_at)
    server = server.since(opened.content.issued_at)
    check_address(came, server.connection)
    parameters = await parameters_of(came, state, server)
    response = read_callback(
        parameters, issuer=config.issuer, issuer_announced=config.issuer_in_response, response_type=config.response_type
    )
    session_state = session_state_of(parameters, config)
    first = await _prove_front_id_token(response, state, opened.nonce, server)
    tokens = await _redeem(response, opened.code_verifier, server, redirect_uri)
    companions = Companions(tokens.access_token, response.code.value if response.code else None, Secret(state))
    id_token = await _prove_id_token(tokens, opened.nonce, companions, server, first) if config.is_openid else None
    granted = Granted(server, tokens, id_token)
    claims = await profile_claims(granted)
    subject = subject_of(granted, claims)
    await give_back(granted)
    issuer = config.issuer or f"connection {server.connection.number}"
    session = _session(server, tokens, id_token, session_state, person_key) if config.keeps_session else None
    mapped = map_claims_beside(_names_beside(came, id_token, server), claims, config)
    return SignedIn(mapped, person_hash(person_key, issuer, subject), session)


def _names_beside(came: Came, id_token: VerifiedClaims | None, server: Server) -> dict[str, str]:
    """The names that came beside the code, but for those that the ID token says, whatever the profile's source is."""
    proven = id_token.claims if id_token else {}
    return {name: told for name, told in posted_names(came, server.config).items() if name not in proven}


def _session(
    server: Server, tokens: Tokens, id_token: VerifiedClaims | None, session_state: Secret | None, person_key: bytes
) -> ProviderSession:
    if id_token is None or tokens.id_token is None:
        return ProviderSession()
    signed = server.opened(tokens.id_token, encrypted=Encrypted.ID_TOKEN in server.config.encrypted)
    return provider_session(server.config, id_token.claims, signed, session_state, person_key)


async def _prove_front_id_token(
    response: AuthorizationResponse, state: str, nonce: str, server: Server
) -> VerifiedClaims | None:
    """The ID token of the response itself, before the code is spent: its hashes tie the code, the access token and the
    state to it (OpenID Connect Core section 3.3.2.12)."""
    if response.id_token is None:
        return None
    required = {"c_hash"} if response.code else set()
    required |= {"at_hash"} if response.access_token else set()
    required |= {"s_hash"} if server.config.profile is Profile.FAPI1_ADVANCED else set()
    companions = Companions(
        response.access_token, response.code.value if response.code else None, Secret(state), frozenset(required)
    )
    return await _verified(response.id_token, nonce, companions, server)


async def _redeem(response: AuthorizationResponse, verifier: str, server: Server, redirect_uri: str) -> Tokens:
    """The tokens for the code; those of the response itself where it brought no code."""
    code, config = response.code, server.config
    if code is None:
        return Tokens(response.access_token or Secret(""), response.id_token)

    def ask(client: Client, moment: Moment, headers: Mapping[str, Secret]) -> HttpRequest:
        return token_request(
            config.token_endpoint,
            client,
            code,
            redirect_uri=redirect_uri,
            code_verifier=verifier,
            moment=moment,
            headers=headers,
            resource=config.resource,
        )

    token_type = "dpop" if config.dpop else "bearer"
    return await server.ask_as_client(
        config.token_endpoint, ask, lambda answer: read_token_response(answer, token_type=token_type)
    )


def person_hash(person_key: bytes, issuer: str, subject: str) -> bytes:
    """The only trace of a subject that is kept: a keyed hash of (issuer, subject), byte-exact."""
    return hmac.digest(person_key, issuer.encode() + b"\0" + subject.encode(), sha256)


async def _prove_id_token(
    tokens: Tokens, expected_nonce: str, companions: Companions, server: Server, first: VerifiedClaims | None
) -> VerifiedClaims:
    """The ID token of the token endpoint; the one of the response, where no code was redeemed. When both came, they
    tell of one person (OpenID Connect Core section 3.3.3.6). A hash need not be there, and has to be right if it is."""
    if tokens.id_token is None:
        raise refuse(Reason.ID_TOKEN_MISSING)
    if "code" not in RESPONSE_TYPES[server.config.response_type] and first is not None:
        return first
    proven = await _verified(tokens.id_token, expected_nonce, companions, server)
    if first is not None and (proven.issuer, proven.subject) != (first.issuer, first.subject):
        raise refuse(Reason.TOKEN_SUBJECT, "The two ID tokens tell of different people.")
    return proven


async def _verified(id_token: Secret, expected_nonce: str, companions: Companions, server: Server) -> VerifiedClaims:
    config = server.config
    token = server.opened(id_token, encrypted=Encrypted.ID_TOKEN in config.encrypted)
    expectation = IdTokenExpectation(
        config.issuer,
        config.client_id,
        expected_nonce,
        frozenset(config.id_token_algorithms),
        config.max_age,
        config.acr_values or demanded_contexts(config.requested_claims),
        demanded_subjects(config.requested_claims),
    )
    return await server.proven(
        config.id_token_algorithms,
        lambda keys: verify_id_token(token, keys, expectation, now=server.now, companions=companions),
    )
