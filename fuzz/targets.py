"""The table of targets: a name, and what must hold of any bytes."""

import json
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from types import MappingProxyType
from urllib.parse import parse_qsl, urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from yarl import URL

from entracte.connections.claim_map import ClaimRule
from entracte.connections.claims import LONGEST_VALUE, at_path, map_claims
from entracte.connections.model import ConnectionConfig
from entracte.fetch import read_destination
from entracte.protocol.access_token import AccessTokenExpectation, verify_access_token
from entracte.protocol.authorization import RESPONSE_TYPES, parse_query, read_callback
from entracte.protocol.base64url import decode, encode
from entracte.protocol.dpop import asks_for_nonce, given_nonce
from entracte.protocol.id_token import IdTokenExpectation, VerifiedClaims, verify_id_token
from entracte.protocol.jarm import ResponseExpectation, read_response_token, state_inside
from entracte.protocol.json_documents import MalformedJson, parse_json
from entracte.protocol.jwe import decrypt, is_encrypted, named_key
from entracte.protocol.jws import verify_signature
from entracte.protocol.keys import ALGORITHMS as KEY_ALGORITHMS
from entracte.protocol.keys import read_jwks
from entracte.protocol.logout import (
    LogoutExpectation,
    read_front_channel_logout,
    read_logout_request,
    verify_logout_token,
)
from entracte.protocol.messages import HttpResponse
from entracte.protocol.metadata import check_endpoint, metadata_request, oauth_metadata_request, read_metadata
from entracte.protocol.pushed_request import read_pushed_response
from entracte.protocol.state import open_state, read_state, seal_state
from entracte.protocol.token import read_token_response
from entracte.protocol.userinfo import (
    UserInfoExpectation,
    read_person,
    read_userinfo,
    read_userinfo_token,
    verify_userinfo,
)
from entracte.values import Secret
from fuzz.stage import (
    ALGORITHMS,
    CLIENT,
    ISSUER,
    KEYS,
    MAC_KEYS,
    NONCE,
    NOW,
    OPENERS,
    PRIVATE,
    PUBLIC,
    SEAL_KEYS,
    STATE,
    accepted,
    text,
)

STATUSES = (200, 201, 204, 302, 400, 401, 403, 404, 429, 500)
MEDIA_TYPES = ("application/json", "application/jwt", "application/jwk-set+json", "text/html", "")
ID_TOKEN = IdTokenExpectation(ISSUER, CLIENT, NONCE, ALGORITHMS, max_age=300, acr_values=("gold",))
LENIENT_ID_TOKEN = IdTokenExpectation(ISSUER, CLIENT, NONCE, ALGORITHMS)
ACCESS_TOKEN = AccessTokenExpectation(ISSUER, CLIENT, ALGORITHMS)
USERINFO = UserInfoExpectation(ISSUER, CLIENT, ALGORITHMS)
RESPONSE = ResponseExpectation(ISSUER, CLIENT, ALGORITHMS)
LOGOUT = LogoutExpectation(ISSUER, CLIENT, ALGORITHMS)
CONNECTION = ConnectionConfig(
    name="brand",
    title="Brand",
    issuer=ISSUER,
    scopes=("openid", "email"),
    jwks_uri=f"{ISSUER}/jwks",
    authorization_endpoint=f"{ISSUER}/authorize",
    token_endpoint=f"{ISSUER}/token",
    client_id=CLIENT,
    claims={
        "email": ClaimRule(paths=("email", "emails.0.value"), verified="email_verified"),
        "name": ClaimRule(paths=("name", '"a.b".c', "a.b.c"), transform="title"),
        "first": ClaimRule(paths=("name",), transform="first_word", constant="somebody"),
        "adult": ClaimRule(paths=("adult",), transform="boolean"),
        "loud": ClaimRule(paths=("name",), transform="upper"),
    },
)


def state(data: bytes) -> None:
    """What opens was sealed by us, in this very form."""
    given = text(data)
    opened = accepted(lambda: open_state(given, SEAL_KEYS, NOW), given)
    if opened is not None:
        assert given == seal_state(opened.content, SEAL_KEYS)
        assert read_state(given, SEAL_KEYS) == opened.content


def callback(data: bytes) -> None:
    """A query is read as the standard library reads it, or refused; a response holds what was asked for, or is."""
    query = text(data)
    parameters = accepted(lambda: parse_query(query), query)
    if parameters is None:
        return
    if "error_description" not in parameters:
        assert parameters == dict(parse_qsl(query, keep_blank_values=True))
    for response_type, wanted in RESPONSE_TYPES.items():
        for issuer in ("", ISSUER):
            _callback(parameters, response_type, wanted, issuer)
    accepted(lambda: read_front_channel_logout(parameters, issuer=ISSUER, session_required=True))
    accepted(lambda: read_logout_request(parameters))


def _callback(parameters: Mapping[str, str], response_type: str, wanted: frozenset[str], issuer: str) -> None:
    answer = accepted(
        lambda: read_callback(parameters, issuer=issuer, issuer_announced=True, response_type=response_type)
    )
    if answer is None:
        return
    got = {
        "code": answer.code.value.reveal() if answer.code else None,
        "id_token": answer.id_token.reveal() if answer.id_token else None,
        "access_token": answer.access_token.reveal() if answer.access_token else None,
    }
    assert {name: value for name, value in got.items() if value is not None} == {
        name: parameters[name] for name in wanted
    }
    assert "error" not in parameters
    assert not issuer or parameters.get("iss", issuer) == issuer
    assert not issuer or "iss" in parameters or "id_token" in wanted


def _response(data: bytes) -> HttpResponse:
    """The first byte chooses status and media type, so that most inputs are good answers."""
    choice = data[0] if data else 0
    status, media_type = STATUSES[choice % len(STATUSES)], MEDIA_TYPES[choice // len(STATUSES) % len(MEDIA_TYPES)]
    headers = {"content-type": media_type, "dpop-nonce": "n", "www-authenticate": text(data[1:2048])}
    return HttpResponse(status, headers, data[1:])


def metadata(data: bytes) -> None:
    """The issuer is the one that was asked for, and every address is one that all parsers read alike."""
    found = accepted(lambda: read_metadata(_response(data), ISSUER))
    if found is None:
        return
    assert found.issuer == ISSUER
    for address in (found.authorization_endpoint, found.token_endpoint, found.jwks_uri, *found.tls_endpoints.values()):
        assert URL(address, encoded=True).scheme == "https"
        _one_host(address)


def jwks(data: bytes) -> None:
    """Every key that is kept can verify something, and nothing that its type can not."""
    keys = accepted(lambda: read_jwks(_response(data)))
    if keys is None:
        return
    known = frozenset().union(*KEY_ALGORITHMS.values())
    for key in keys.keys:
        assert key.algorithms
        assert key.algorithms <= known
        assert not key.key.is_private
        assert key in keys.candidates(key.kid, next(iter(key.algorithms)))


def jws(data: bytes) -> None:
    """An accepted token is signed: asked of `cryptography`, and never with a MAC of the public key."""
    token = text(data)
    found = accepted(lambda: verify_signature(Secret(token), KEYS, ALGORITHMS | {"HS256", "none"}), token)
    if found is not None:
        _check_signature(PUBLIC, token)
        assert found.claims == json.loads(decode(token.split(".")[1]))
    accepted(lambda: verify_signature(Secret(token), MAC_KEYS, frozenset({"HS256"})), token)
    assert isinstance(state_inside(Secret(token)), str)


def _check_signature(key: Ed25519PublicKey, token: str) -> None:
    signed, _, signature = token.rpartition(".")
    key.verify(decode(signature), signed.encode())


def jwe(data: bytes) -> None:
    """What opens is a signed token; and each part has one form alone."""
    token = text(data)
    accepted(lambda: named_key(Secret(token)), token)
    opened = accepted(lambda: decrypt(Secret(token), OPENERS), token)
    if opened is not None:
        assert is_encrypted(Secret(token))
        assert opened.reveal().count(".") == 2
        assert ".".join(encode(decode(part)) for part in token.split(".")) == token


def _signed(header: Mapping[str, str], payload: bytes) -> Secret:
    """The payload as it is, signed by the authorization server."""
    signed = f"{encode(json.dumps(header).encode())}.{encode(payload)}"
    return Secret(f"{signed}.{encode(PRIVATE.sign(signed.encode()))}")


def claims(data: bytes) -> None:
    """Whatever a server signs: what is accepted is from it, for us, in time, for this attempt."""
    token = _signed({"alg": "EdDSA", "typ": "JWT"}, data)
    for expectation in (ID_TOKEN, LENIENT_ID_TOKEN):
        found = accepted(lambda: verify_id_token(token, KEYS, expectation, now=NOW))  # noqa: B023
        if found is not None:
            assert found.claims["nonce"] == NONCE
            assert found.claims["aud"] in (CLIENT, [CLIENT])
            _for_us(found)
    typed = _signed({"alg": "EdDSA", "typ": "at+jwt"}, data)
    access = accepted(lambda: verify_access_token(typed, KEYS, ACCESS_TOKEN, now=NOW))
    if access is not None:
        _for_us(access)
        assert accepted(lambda: verify_id_token(typed, KEYS, LENIENT_ID_TOKEN, now=NOW)) is None
    person = accepted(lambda: verify_userinfo(token, KEYS, USERINFO, subject="subject", now=NOW))
    assert person is None or (person["sub"], person["iss"]) == ("subject", ISSUER)
    answer = accepted(lambda: read_response_token(token, KEYS, RESPONSE, state=STATE, now=NOW))
    assert answer is None or (answer["state"] == STATE and all(isinstance(value, str) for value in answer.values()))


def _for_us(found: VerifiedClaims) -> None:
    assert found.issuer == found.claims["iss"] == ISSUER
    assert found.subject == found.claims["sub"]
    assert 1 <= len(found.subject) <= 255
    assert found.claims["exp"] > NOW - 60
    assert not isinstance(found.claims["exp"], bool)


def logout(data: bytes) -> None:
    """A logout token tells of a logout by its event, has no nonce, and counts for minutes."""
    found = accepted(
        lambda: verify_logout_token(_signed({"alg": "EdDSA", "typ": "logout+jwt"}, data), KEYS, LOGOUT, now=NOW)
    )
    if found is not None:
        assert found.issuer == ISSUER
        assert found.subject or found.session
        assert len(found.replay.digest) == 64
        assert NOW <= found.replay.until <= NOW + 600
    token = text(data)
    accepted(lambda: verify_logout_token(Secret(token), KEYS, LOGOUT, now=NOW), token)


def token_response(data: bytes) -> None:
    """An access token that is accepted can stand in a header."""
    response = _response(data)
    for token_type in ("bearer", "dpop"):
        tokens = accepted(lambda: read_token_response(response, token_type=token_type))  # noqa: B023
        if tokens is not None:
            assert tokens.access_token.reveal().isascii()
            assert tokens.access_token.reveal().isprintable()
            assert " " not in tokens.access_token.reveal()
    pushed = accepted(lambda: read_pushed_response(response))
    assert pushed is None or pushed.request_uri.isprintable()
    assert asks_for_nonce(response) in (True, False)
    assert given_nonce(response) == "n"


def userinfo(data: bytes) -> None:
    """The claims are those of the proven subject, whatever the path to the person is."""
    response = _response(data)
    found = accepted(lambda: read_userinfo(response, subject="subject"))
    assert found is None or found["sub"] == "subject"
    anybody = accepted(lambda: read_userinfo(response, subject=None))
    assert anybody is None or isinstance(anybody["sub"], str)
    for path in ("", "data.0.person", "a.b", text(data[-8:])):
        person = accepted(lambda: read_person(response, path))  # noqa: B023
        assert person is None or isinstance(person, dict)
    token = accepted(lambda: read_userinfo_token(response))
    assert token is None or token.reveal().isascii()


def claim_map(data: bytes) -> None:
    """Attributes are short texts, true or false, and can be stored; the map never fails."""
    try:
        document = parse_json(data)
    except MalformedJson:
        return
    at_path(document, text(data[-12:]))
    if not isinstance(document, dict):
        return
    mapped = map_claims(document, CONNECTION)
    assert mapped.verified <= mapped.attributes.keys()
    for value in (*mapped.attributes.values(), mapped.account):
        assert isinstance(value, str | bool)
        assert isinstance(value, bool) or (len(value.encode()) <= 4 * LONGEST_VALUE and "\n" not in value)


def url(data: bytes) -> None:
    """An address that is accepted has one host, by three parsers."""
    address = text(data)
    try:
        checked = check_endpoint(address, insecure_allowed=True)
    except ValueError as problem:
        assert len(address) < 16 or address not in str(problem)
        checked = ""
    destination = accepted(lambda: read_destination(address), address)
    if checked:
        assert checked == address
        _one_host(address)
    if destination is not None and checked:
        assert _same_host(destination.host, urlsplit(address).hostname or "")
    if destination is not None:
        assert _same_host(destination.url.raw_host or "", destination.host)
        assert destination.url.port == destination.port
    for request in (metadata_request, oauth_metadata_request):
        asked = accepted(lambda: request(address), address)  # noqa: B023
        assert asked is None or _same_host(urlsplit(asked.url).hostname or "", urlsplit(address).hostname or "")


def _one_host(address: str) -> None:
    assert _same_host(URL(address, encoded=True).raw_host or "", urlsplit(address).hostname or "")


def _same_host(one: str, other: str) -> bool:
    if one.lower() == other.lower():
        return True
    try:
        return ip_address(one) == ip_address(other)
    except ValueError:
        return False


TARGETS: Mapping[str, Callable[[bytes], None]] = MappingProxyType(
    {
        "state": state,
        "callback": callback,
        "metadata": metadata,
        "jwks": jwks,
        "jws": jws,
        "jwe": jwe,
        "claims": claims,
        "logout": logout,
        "token_response": token_response,
        "userinfo": userinfo,
        "claim_map": claim_map,
        "url": url,
    }
)
"""Each by its name, which is that of its folder in `corpus/`."""
