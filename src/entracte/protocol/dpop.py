"""Demonstrating proof of possession (RFC 9449): an access token that only we can use."""

import re
from collections.abc import Mapping
from hashlib import sha256

from entracte.protocol.base64url import encode
from entracte.protocol.client_auth import Moment
from entracte.protocol.json_documents import MalformedJson, parse_json_object
from entracte.protocol.messages import HttpResponse
from entracte.protocol.signing import SigningKey, public_part, sign
from entracte.values import Secret

_NONCE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,512}")
"""NQCHAR of RFC 6749 appendix A (RFC 9449 section 8.1)."""
_CHALLENGE = re.compile(
    r"""(?P<word>[\w!#$%&'*+.^`|~-]+)"""
    r"""(?P<parameter>[ \t]*=[ \t]*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>[^\s",=]+)))?""",
    re.ASCII,
)
"""A scheme, or a parameter of the scheme before it (RFC 9110 section 11.6.1). One pass, whatever the text is."""


def proof(
    key: SigningKey, method: str, url: str, moment: Moment, *, nonce: str = "", access_token: Secret | None = None
) -> Secret:
    """The value of a `DPoP` header field for one request (section 4.2). `htu` is the address without its query."""
    claims: dict[str, object] = {
        "jti": moment.token_id,
        "htm": method,
        "htu": url.partition("?")[0].partition("#")[0],
        "iat": moment.now,
    }
    if nonce:
        claims["nonce"] = nonce
    if access_token is not None:
        claims["ath"] = encode(sha256(access_token.reveal().encode("ascii")).digest())
    return sign(claims, key, typ="dpop+jwt", kid=None, jwk=public_part(key))


def headers(
    key: SigningKey, method: str, url: str, moment: Moment, *, nonce: str = "", access_token: Secret | None = None
) -> dict[str, Secret]:
    """The header fields of one request: the proof, and an access token under its scheme (section 7.1)."""
    proven = {"DPoP": proof(key, method, url, moment, nonce=nonce, access_token=access_token)}
    if access_token is None:
        return proven
    return {**proven, "Authorization": Secret(f"DPoP {access_token.reveal()}")}


def thumbprint(key: SigningKey) -> str:
    """The JWK SHA-256 thumbprint of the key (RFC 7638), as `dpop_jkt` names it (section 10)."""
    return str(key.key.thumbprint())


def given_nonce(answer: HttpResponse) -> str:
    """The nonce that an answer gives for the next proof (section 8.2); empty when it gives none that can be one."""
    nonce = answer.headers.get("dpop-nonce", "")
    return nonce if _NONCE.fullmatch(nonce) else ""


def asks_for_nonce(answer: HttpResponse) -> bool:
    """Whether an answer says that the same request with its nonce would be taken: once, and nothing was spent (sections
    8 and 9). The scheme and the names are compared without case (RFC 9110 section 11.1)."""
    if not given_nonce(answer):
        return False
    if answer.status == 401 and "use_dpop_nonce" in _challenged(answer.headers.get("www-authenticate", "")):
        return True
    return answer.status in (400, 401) and _error(answer) == "use_dpop_nonce"


def _challenged(text: str) -> set[str]:
    """The errors that the challenges of the scheme DPoP tell."""
    errors, scheme = set(), ""
    for match in _CHALLENGE.finditer(text):
        word = match["word"].lower()
        if not match["parameter"]:
            scheme = word
        elif (scheme, word) == ("dpop", "error"):
            errors.add(match["quoted"] or match["plain"] or "")
    return errors


def _error(answer: HttpResponse) -> object:
    try:
        document: Mapping[str, object] = parse_json_object(answer.body, maximum_bytes=64 * 1024)
    except MalformedJson:
        return None
    return document.get("error")
