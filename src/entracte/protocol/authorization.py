"""The authorization request and the response that comes back.

RFC 6749 section 4.1, OpenID Connect Core section 3.1.2.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import parse_qsl, quote, unquote_to_bytes, urlencode, urlsplit, urlunsplit

from entracte.protocol.base64url import encode
from entracte.protocol.errors import Reason, refuse
from entracte.protocol.issuers import difference
from entracte.values import Secret

OWN_PARAMETERS = frozenset(
    {
        "response_type", "response_mode", "client_id", "redirect_uri", "scope", "state", "nonce",
        "code_challenge", "code_challenge_method", "request", "request_uri",
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

NEVER_ASKED = frozenset({"access_token", "id_token", "response"})
"""Answers to another response type or response mode than ours."""

_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_LINE_BREAK = re.compile(r"[\t\r\n]")


@dataclass(frozen=True, slots=True)
class Code:
    """An authorization code whose response was checked. Made only by `read_callback`."""

    value: Secret


def authorization_url(
    endpoint: str,
    *,
    client_id: str,
    redirect_uri: str,
    scope: Sequence[str],
    state: str,
    nonce: str,
    code_verifier: str,
    extra: Mapping[str, str],
) -> str:
    """The address to send the browser to. A query that the endpoint already has is kept (RFC 6749 section 3.1).

    `nonce` is sent when `openid` is in the scope; `code_challenge` (S256, RFC 7636) always.
    Raises ValueError when `extra` names one of `OWN_PARAMETERS`, and when the endpoint's query names one of
    these or of `extra`: a parameter stands there once (section 3.1).
    """
    parts = urlsplit(endpoint)
    own = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        **({"scope": " ".join(scope)} if scope else {}),
        "state": state,
        **({"nonce": nonce} if "openid" in scope else {}),
        "code_challenge": code_challenge(code_verifier),
        "code_challenge_method": "S256",
    }
    check_no_own_parameters(extra)
    check_no_own_parameters(query_names(endpoint))
    if query_names(endpoint) & extra.keys():
        raise ValueError("an extra parameter stands in the authorization endpoint already")
    query = urlencode({**own, **extra}, quote_via=quote, safe="")
    return urlunsplit(parts._replace(query=f"{parts.query}&{query}" if parts.query else query))


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


def parse_query(query: str) -> dict[str, str]:
    """The parameters of a callback: each once, UTF-8, within limits. Refuses `PARAMETER_REPEATED` and,
    for what can not be read, `RESPONSE_MALFORMED`."""
    if len(query) > MAXIMUM_QUERY or not query.isascii():
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


def read_callback(parameters: Mapping[str, str], *, issuer: str, issuer_announced: bool) -> Code:
    """The code of an authorization response, after `iss` (RFC 9207 section 2.4) was checked.

    `issuer` is the connection's, empty for a plain OAuth 2.0 connection; `issuer_announced` is the metadata's
    `authorization_response_iss_parameter_supported`. `iss` is checked first, for errors too.
    Refuses `ISSUER_MISMATCH`, `ISSUER_MISSING`, `ACCESS_DENIED`, `PROVIDER_ERROR`, `RESPONSE_MIXED`.
    The evidence holds the `error` code alone when it is one of the registered ones, never the description.
    """
    if issuer:
        _check_issuer(parameters.get("iss"), issuer, announced=issuer_announced)
    if NEVER_ASKED & parameters.keys():
        raise refuse(Reason.RESPONSE_MIXED, "It holds what was not asked for.")
    if "error" in parameters and "code" not in parameters:
        error = parameters["error"]
        reason = Reason.ACCESS_DENIED if error == "access_denied" else Reason.PROVIDER_ERROR
        raise refuse(reason, f"The error is {error}." if error in REGISTERED_ERRORS else "")
    if "error" in parameters or not parameters.get("code"):
        raise refuse(Reason.RESPONSE_MIXED)
    return Code(Secret(parameters["code"]))


def _check_issuer(got: str | None, issuer: str, *, announced: bool) -> None:
    if got is None:
        if announced:
            raise refuse(Reason.ISSUER_MISSING)
    elif got != issuer:
        raise refuse(Reason.ISSUER_MISMATCH, difference(issuer, got))
