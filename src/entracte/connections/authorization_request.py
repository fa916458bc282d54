"""The authorization request of a connection: its parameters, signed, encrypted, pushed, or kept at an address of ours.

Nothing is stored for a request that the server asks us for (`request_uri`): its address holds, sealed, what it is made
of, and it is made when it is asked for.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from entracte.connections.addresses import client_address
from entracte.connections.model import ConnectionConfig
from entracte.connections.server import Server
from entracte.connections.settings import RequestObject
from entracte.protocol import dpop
from entracte.protocol.authorization import address, query_names, request_parameters
from entracte.protocol.client_auth import Client, Moment
from entracte.protocol.errors import Reason, refuse
from entracte.protocol.jwe import KEY_MANAGEMENT, encrypt
from entracte.protocol.keys import EncryptionKey, KeySet
from entracte.protocol.messages import HttpRequest
from entracte.protocol.pushed_request import pushed_request, read_pushed_response
from entracte.protocol.request_object import request_object
from entracte.protocol.seal import SealKeys, open_sealed, seal
from entracte.protocol.state import StateContent, code_verifier, nonce, read_state_in_time
from entracte.values import Secret

Parameters = list[tuple[str, str]]
REFERENCE_PURPOSE = "request object"
LONGEST_REFERENCE = 512
"""Characters of a `request_uri` (OpenID Connect Core section 6.2)."""
REFERENCE_AGE = 600
"""Seconds for which a request can be asked for: as long as its state is good."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What one sign-in asks for. `language` is that of the participant."""

    content: StateContent
    redirect_uri: str
    language: str
    another_account: bool
    login_hint: str = field(default="", repr=False)
    """What the server said of the person when it sent them here, to be told again (`login_hint`)."""


async def request_address(server: Server, asked: Asked, state: str, our_address: str) -> str:
    """Where the browser goes. Refuses as `fetch` does, `REQUEST_REFUSED`, and `JWKS_MALFORMED` when the server has no
    key to encrypt to."""
    config = server.config
    parameters = plain_parameters(server, asked, state)
    if config.request_object is RequestObject.REFERENCE:
        return _referring(config, _reference(server, asked, state, our_address))
    if config.request_object is RequestObject.VALUE:
        request = (await signed_request(server, parameters)).reveal()
        if config.push_requests:
            # RFC 9126 section 3: everything else stands in the request object
            return _referring(config, await _push(server, [("request", request)]))
        parameters = _with_request_object(config, request)
    if config.push_requests:
        return _referring(config, await _push(server, parameters))
    return address(config.authorization_endpoint, parameters)


def plain_parameters(server: Server, asked: Asked, state: str) -> Parameters:
    """The parameters as they would stand in the browser's address."""
    config = server.config
    # what the endpoint's own query says already stands (RFC 6749 section 3.1: no parameter twice)
    said = query_names(config.authorization_endpoint)
    parameters = request_parameters(
        client_id=config.client_id,
        redirect_uri=asked.redirect_uri,
        scope=config.scopes,
        state=state,
        nonce=nonce(state, server.keys),
        code_verifier=code_verifier(state, server.keys),
        extra={name: value for name, value in _more(config, asked).items() if name not in said},
        response_type=config.response_type,
        response_mode=config.mode,
        resource=() if "resource" in said else config.resource,
    )
    if config.dpop and server.own.proof is not None:
        parameters.append(("dpop_jkt", dpop.thumbprint(server.own.proof)))
    return parameters


async def signed_request(server: Server, parameters: Parameters) -> Secret:
    """The request object (RFC 9101), encrypted where the connection says so."""
    config, key = server.config, server.own.signing
    if key is None:
        raise refuse(Reason.ATTEMPT_INTERRUPTED, "The connection has no key to sign with.")
    signed = request_object(parameters, key, client_id=config.client_id, issuer=config.issuer, moment=server.moment())
    if not config.request_object_encryption:
        return signed
    algorithm = config.request_object_encryption
    keys = await server.providers.key_set(server.connection.organization, config.jwks_uri)
    return encrypt(signed, _encryption_key(keys, algorithm), algorithm)


async def kept_request(server: Server, reference: str, our_address: str) -> Secret:
    """The request object that a `request_uri` of ours stands for. Refuses `STATE_*` for one that does not open or is
    too old."""
    asked, state = opened_reference(reference, our_address, server.keys, server.now)
    return await signed_request(server, plain_parameters(server.since(asked.content.issued_at), asked, state))


def opened_reference(reference: str, our_address: str, keys: SealKeys, now: int) -> tuple[Asked, str]:
    """What a reference of ours holds: what was asked for, and its state. Refuses `STATE_*`."""
    kept: Mapping[str, str] = json.loads(open_sealed(reference, REFERENCE_PURPOSE, keys))
    state = kept["state"]
    content = read_state_in_time(state, keys, now, REFERENCE_AGE)
    redirect_uri = f"{our_address}{kept['callback']}"
    return Asked(content, redirect_uri, kept["language"], "another" in kept, kept.get("hint", "")), state


def _more(config: ConnectionConfig, asked: Asked) -> dict[str, str]:
    more: dict[str, str] = {"ui_locales": asked.language} if config.is_openid else {}
    # the settings after them: what they ask for is checked in the answer
    more.update(config.extra_parameters)
    if config.max_age is not None:
        more["max_age"] = str(config.max_age)
    if config.acr_values:
        more["acr_values"] = " ".join(config.acr_values)
    if config.requested_claims:
        more["claims"] = json.dumps(config.requested_claims, separators=(",", ":"))
    if asked.another_account:
        more["prompt"] = config.another_account_prompt
    elif asked.login_hint:
        more.setdefault("login_hint", asked.login_hint)
    return more


def _with_request_object(config: ConnectionConfig, request: str) -> Parameters:
    """In the browser's address. OpenID Connect Core section 6.1 wants the two besides that OAuth 2.0 requires; RFC 9101
    section 5 allows them."""
    openid = [("response_type", config.response_type), ("scope", "openid")] if config.is_openid else []
    return [("client_id", config.client_id), *openid, ("request", request)]


def _referring(config: ConnectionConfig, reference: str) -> str:
    """RFC 9126 section 4: who we are and the reference. Where a query stands already, it stays."""
    openid = []
    if config.request_object is RequestObject.REFERENCE and config.is_openid:
        openid = [("response_type", config.response_type), ("scope", "openid")]
    return address(
        config.authorization_endpoint, [("client_id", config.client_id), *openid, ("request_uri", reference)]
    )


def _reference(server: Server, asked: Asked, state: str, our_address: str) -> str:
    """At most `LONGEST_REFERENCE`: a hint that would make it longer is left out, as it is only a help. The fragment of
    older servers is not needed: each address is of one request."""
    # our host stands in the address already
    kept = {"state": state, "callback": asked.redirect_uri.removeprefix(our_address), "language": asked.language}
    if asked.another_account:
        kept["another"] = "1"
    plain = _sealed_reference(server, kept, our_address)
    if not asked.login_hint:
        return plain
    hinting = _sealed_reference(server, kept | {"hint": asked.login_hint}, our_address)
    return hinting if len(hinting) <= LONGEST_REFERENCE else plain


def _sealed_reference(server: Server, kept: Mapping[str, str], our_address: str) -> str:
    text = json.dumps(kept, separators=(",", ":"), ensure_ascii=False)
    sealed = seal(text.encode(), REFERENCE_PURPOSE, server.keys)
    return f"{client_address(server.connection, our_address)}/requests/{sealed}"


async def _push(server: Server, parameters: Parameters) -> str:
    endpoint = server.config.pushed_authorization_request_endpoint

    def ask(client: Client, moment: Moment, headers: Mapping[str, Secret]) -> HttpRequest:
        return pushed_request(endpoint, client, parameters, moment=moment, headers=headers)

    return (await server.ask_as_client(endpoint, ask, read_pushed_response)).request_uri


def _encryption_key(keys: KeySet, algorithm: str) -> EncryptionKey:
    for key in keys.encryption:
        if key.key_type == KEY_MANAGEMENT[algorithm] and key.algorithm in (None, algorithm):
            return key
    raise refuse(Reason.JWKS_MALFORMED, "The server publishes no key to encrypt to.")
