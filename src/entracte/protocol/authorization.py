"""The authorization request and the response that comes back.

RFC 6749 section 4.1, OpenID Connect Core sections 3.1.2, 3.2.2 and 3.3.2, OAuth 2.0 Multiple Response Type Encoding
Practices, OAuth 2.0 Form Post Response Mode.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from types import MappingProxyType
from urllib.parse import parse_qsl, quote, unquote_to_bytes, urlencode, urlsplit, urlunsplit

from entracte.protocol.base64url import encode
from entracte.protocol.errors import Reason, refuse
from entracte.protocol.issuers import difference
from entracte.values import Secret

OWN_PARAMETERS = frozenset(
    {
        "response_type", "response_mode", "client_id", "redirect_uri", "scope", "state", "nonce",
        "code_challenge", "code_challenge_method", "request", "request_uri", "dpop_jkt",
    }
)  # fmt: skip
"""What a connection's extra parameters can never override."""

MAXIMUM_QUERY = 16 * 1024
MAXIMUM_PARAMETERS = 50

REGISTERED_ERRORS = frozenset(
    {
        # RFC 6749 section 4.1.2.1
        "invalid_request", "unauthorized_client", "access_denied", "unsupported_response_type", "invalid_scope",
        "server_error", "temporarily_unavailable",
        # OpenID Connect Core section 3.1.2.6
        "interaction_required", "login_required", "account_selection_required", "consent_required",
        "invalid_request_uri", "invalid_request_object", "request_not_supported", "request_uri_not_supported",
        "registration_not_supported",
        # OpenID Connect Core Error Code unmet_authentication_requirements; RFC 8707 section 2; RFC 9396 section 5
        "unmet_authentication_requirements", "invalid_target", "invalid_authorization_details",
    }
)  # fmt: skip
"""The error codes that may be told on. Any other text is the sender's, who may be anybody."""

CANCELLED = frozenset(
    {
        "access_denied",  # RFC 6749 section 4.1.2.1
        "user_cancelled_authorize",  # Apple ("Request an authorization to the Sign in with Apple server"), LinkedIn
        "user_cancelled_login",  # LinkedIn ("Authorization Code Flow")
    }
)
"""The error codes by which a person said no."""

RESPONSE_TYPES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "code": frozenset({"code"}),
        "code id_token": frozenset({"code", "id_token"}),
        "code token": frozenset({"code", "access_token"}),
        "code id_token token": frozenset({"code", "id_token", "access_token"}),
        "id_token": frozenset({"id_token"}),
        "id_token token": frozenset({"id_token", "access_token"}),
    }
)
"""Each response type -> what a good answer to it holds, all of it and no more."""

ANSWERS = frozenset({"code", "id_token", "access_token"})


class ResponseMode(StrEnum):
    """How the answer comes (Multiple Response Type Encoding Practices section 2.1, JARM section 2.3)."""

    QUERY = "query"
    FRAGMENT = "fragment"
    FORM_POST = "form_post"
    QUERY_JWT = "query.jwt"
    FRAGMENT_JWT = "fragment.jwt"
    FORM_POST_JWT = "form_post.jwt"
    JWT = "jwt"


def usual_mode(response_type: str) -> ResponseMode:
    """The mode of a response type when none is asked for: what a browser sends to no server where a token is in it."""
    return ResponseMode.QUERY if RESPONSE_TYPES[response_type] == {"code"} else ResponseMode.FRAGMENT


def carrier(mode: ResponseMode, response_type: str) -> ResponseMode:
    """By which of query, fragment and form post an answer of this mode reaches us."""
    if mode is ResponseMode.JWT:
        return usual_mode(response_type)
    return ResponseMode(mode.value.removesuffix(".jwt"))


def is_response_token(mode: ResponseMode) -> bool:
    """Whether the parameters come in one signed token (JARM)."""
    return mode.value.endswith("jwt")


_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_LINE_BREAK = re.compile(r"[\t\r\n]")
_ACCESS_TOKEN = re.compile(r"[\x21-\x7e]+")
"""RFC 6749 appendix A.12 without the space, so that it can stand in a header."""


@dataclass(frozen=True, slots=True)
class Code:
    """An authorization code whose response was checked. Made only by `read_callback`."""

    value: Secret


@dataclass(frozen=True, slots=True)
class AuthorizationResponse:
    """What a checked response brought; None for what its response type does not bring. The ID token is not proven yet.
    Made only by `read_callback`."""

    code: Code | None
    id_token: Secret | None = None
    access_token: Secret | None = None


def request_parameters(
    *,
    client_id: str,
    redirect_uri: str,
    scope: Sequence[str],
    state: str,
    nonce: str,
    code_verifier: str,
    extra: Mapping[str, str],
    response_type: str = "code",
    response_mode: ResponseMode | None = None,
    resource: Sequence[str] = (),
) -> list[tuple[str, str]]:
    """The parameters of an authorization request.

    `nonce` is sent when `openid` is in the scope; `code_challenge` (S256, RFC 7636) whenever a code is asked for.
    `response_mode` is left out where it is the usual one. `resource` may stand there several times (RFC 8707 section
    2). Raises ValueError when `extra` names one of `OWN_PARAMETERS`.
    """
    check_no_own_parameters(extra)
    answers = RESPONSE_TYPES[response_type]
    asked = response_mode if response_mode not in (None, usual_mode(response_type)) else None
    own = {
        "response_type": response_type,
        **({"response_mode": asked.value} if asked else {}),
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        **({"scope": " ".join(scope)} if scope else {}),
        "state": state,
        **({"nonce": nonce} if "openid" in scope else {}),
        **(_challenge(code_verifier) if "code" in answers else {}),
    }
    return [*own.items(), *(("resource", one) for one in resource), *extra.items()]


def address(endpoint: str, parameters: Sequence[tuple[str, str]]) -> str:
    """The parameters at an endpoint, whose own query is kept (RFC 6749 section 3.1). Raises ValueError when the
    endpoint's query names one of `OWN_PARAMETERS` or of the parameters: each stands there once (section 3.1)."""
    parts = urlsplit(endpoint)
    named = query_names(endpoint)
    check_no_own_parameters(named)
    if named.intersection(name for name, _ in parameters):
        raise ValueError("a parameter stands in the authorization endpoint already")
    query = urlencode(parameters, quote_via=quote, safe="")
    return urlunsplit(parts._replace(query=f"{parts.query}&{query}" if parts.query else query))


def _challenge(code_verifier: str) -> dict[str, str]:
    return {"code_challenge": code_challenge(code_verifier), "code_challenge_method": "S256"}


def code_challenge(code_verifier: str) -> str:
    """The S256 challenge of a verifier (RFC 7636 section 4.2)."""
    return encode(sha256(code_verifier.encode("ascii")).digest())


def query_names(url: str) -> frozenset[str]:
    """The names in the query of an address."""
    return frozenset(name for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True))


def check_no_own_parameters(names: Iterable[str]) -> None:
    """Raises ValueError when one of `OWN_PARAMETERS` is among the names."""
    own = OWN_PARAMETERS.intersection(names)
    if own:
        raise ValueError(f"not for a connection to set: {', '.join(sorted(own))}")


def parse_query(query: str, *, most: int = MAXIMUM_QUERY) -> dict[str, str]:
    """The parameters of a callback: each once, UTF-8, within limits; `most` in characters. Refuses `PARAMETER_REPEATED`
    and, for what can not be read, `RESPONSE_MALFORMED`."""
    if len(query) > most or not query.isascii():
        raise refuse(Reason.RESPONSE_MALFORMED, "The query is too long, or not ASCII.")
    pairs = [pair for pair in query.split("&") if pair]
    if len(pairs) > MAXIMUM_PARAMETERS:
        raise refuse(Reason.RESPONSE_MALFORMED, f"There are more than {MAXIMUM_PARAMETERS} parameters.")
    parameters: dict[str, str] = {}
    for pair in pairs:
        name, value = _parameter(pair)
        if name in parameters:
            raise refuse(Reason.PARAMETER_REPEATED)
        parameters[name] = value
    return parameters


def _parameter(pair: str) -> tuple[str, str]:
    name, _, value = pair.partition("=")
    name, value = _decoded(name), _decoded(value)
    if name == "error_description":
        # Microsoft Entra ID breaks lines in it; nobody reads it, and a person who cancelled should not meet a mishap
        value = _LINE_BREAK.sub(" ", value)
    if _CONTROL.search(name) or _CONTROL.search(value):
        raise refuse(Reason.RESPONSE_MALFORMED, "A parameter holds a control character.")
    return name, value


def _decoded(text: str) -> str:
    if _BROKEN_ESCAPE.search(text):
        raise refuse(Reason.RESPONSE_MALFORMED, "A parameter is not percent-encoded.")
    try:
        return unquote_to_bytes(text.replace("+", " ")).decode("utf-8")
    except UnicodeDecodeError:
        raise refuse(Reason.RESPONSE_MALFORMED, "A parameter is not UTF-8.") from None


def read_callback(
    parameters: Mapping[str, str], *, issuer: str, issuer_announced: bool, response_type: str = "code"
) -> AuthorizationResponse:
    """What an authorization response brought, after `iss` (RFC 9207 section 2.4) was checked.

    `issuer` is the connection's, empty for a plain OAuth 2.0 connection; `issuer_announced` is the metadata's
    `authorization_response_iss_parameter_supported`: then `iss` has to be there, whatever the response type is, and
    an ID token beside it stands for nothing. `iss` is checked first, for errors too.
    Refuses `ISSUER_MISMATCH`, `ISSUER_MISSING`, `ACCESS_DENIED`, `PROVIDER_ERROR`, `RESPONSE_MIXED`, `TOKEN_TYPE`,
    `RESPONSE_MALFORMED` (an access token that no header can carry).
    The evidence holds the `error` code alone when it is one of the registered ones, never the description.
    """
    asked, came = RESPONSE_TYPES[response_type], ANSWERS & parameters.keys()
    if issuer:
        _check_issuer(parameters.get("iss"), issuer, needed=issuer_announced)
    if came - asked or "response" in parameters:
        raise refuse(Reason.RESPONSE_MIXED, "It holds what was not asked for.")
    if "error" in parameters and not came:
        error = parameters["error"]
        reason = Reason.ACCESS_DENIED if error in CANCELLED else Reason.PROVIDER_ERROR
        raise refuse(reason, f"The error is {error}." if error in REGISTERED_ERRORS | CANCELLED else "")
    if "error" in parameters or not all(parameters.get(name) for name in asked):
        raise refuse(Reason.RESPONSE_MIXED)
    if "access_token" in asked and parameters.get("token_type", "").lower() != "bearer":
        raise refuse(Reason.TOKEN_TYPE)
    return _response(parameters, asked)


def _response(parameters: Mapping[str, str], asked: frozenset[str]) -> AuthorizationResponse:
    if "access_token" in asked:
        check_access_token(parameters["access_token"])
    return AuthorizationResponse(
        Code(Secret(parameters["code"])) if "code" in asked else None,
        Secret(parameters["id_token"]) if "id_token" in asked else None,
        Secret(parameters["access_token"]) if "access_token" in asked else None,
    )


def check_access_token(text: str) -> None:
    """Refuses `RESPONSE_MALFORMED` for an access token that could not be sent on in a header."""
    if _ACCESS_TOKEN.fullmatch(text) is None:
        raise refuse(Reason.RESPONSE_MALFORMED, "`access_token` has characters that can not stand in a header.")


def _check_issuer(got: str | None, issuer: str, *, needed: bool) -> None:
    if got is None:
        if needed:
            raise refuse(Reason.ISSUER_MISSING)
    elif got != issuer:
        raise refuse(Reason.ISSUER_MISMATCH, difference(issuer, got))
