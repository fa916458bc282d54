"""DPoP (RFC 9449), the server's side: a proof is checked, bound, and told to come again with a nonce."""

import hashlib
import json
import secrets
import time
from typing import TYPE_CHECKING

from aiohttp import web
from cryptography.exceptions import InvalidSignature

from tests.misbehaving_provider.keys import Claims, base64url, parts, verify
from tests.misbehaving_provider.model import OAuthError

if TYPE_CHECKING:
    from tests.misbehaving_provider.provider import MisbehavingProvider

ALGORITHMS = frozenset({"RS256", "PS256", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"})
PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "k"})
NO_NONCE, STRANGE_NONCE, HUGE_NONCE = "dpop_nonce_absent", "dpop_nonce_strange", "dpop_nonce_huge"
SCHEME_CASE = "dpop_scheme_case"
NONCES = frozenset({"dpop_nonce_loop", NO_NONCE, STRANGE_NONCE, HUGE_NONCE, SCHEME_CASE})
"""All want a nonce; only `dpop_scheme_case`, which is within the rules, is ever content with one."""


def thumbprint(jwk: Claims) -> str:
    """RFC 7638."""
    names = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x")}[jwk["kty"]]
    text = json.dumps({name: jwk[name] for name in names}, separators=(",", ":"), sort_keys=True)
    return base64url(hashlib.sha256(text.encode()).digest())


def proven(provider: "MisbehavingProvider", request: web.Request, access_token: str = "") -> str:
    """The thumbprint of the key that a request proves; "" when it has no proof. Raises OAuthError."""
    proofs = request.headers.getall("DPoP", [])
    if not proofs and not provider.dpop_required:
        return ""
    try:
        [proof] = proofs
        header, claims = parts(proof)
        _check(provider, request, header, claims, access_token)
        verify(proof, header["jwk"])
        key = thumbprint(header["jwk"])
    except (InvalidSignature, KeyError, ValueError, TypeError) as error:
        raise OAuthError(400, "invalid_dpop_proof") from error
    _check_nonce(provider, claims, at_resource=bool(access_token))
    return key


def _check(
    provider: "MisbehavingProvider", request: web.Request, header: Claims, claims: Claims, access_token: str
) -> None:  # fmt: skip
    """Section 4.3. Raises KeyError, ValueError, TypeError."""
    url = str(request.url.with_query(None).with_fragment(None))
    wrong = (
        header["typ"] != "dpop+jwt"
        or header["alg"] not in ALGORITHMS
        or bool(PRIVATE_MEMBERS & set(header["jwk"]))
        or claims["htm"] != request.method
        or claims["htu"] != url
        or abs(claims["iat"] - time.time()) > 60
        or claims["jti"] in provider.used_jtis
    )
    if access_token:
        wrong = wrong or claims["ath"] != base64url(hashlib.sha256(access_token.encode()).digest())
    if wrong:
        raise ValueError("the proof does not fit")
    provider.used_jtis.add(claims["jti"])


def _check_nonce(provider: "MisbehavingProvider", claims: Claims, *, at_resource: bool) -> None:
    """Section 8 and 9: a nonce that was given is taken once."""
    if not provider.dpop_nonce and provider.misbehaviour not in NONCES:
        return
    known = claims.get("nonce") in provider.given_nonces
    provider.given_nonces.discard(claims.get("nonce", ""))
    if known and provider.misbehaviour not in NONCES - {SCHEME_CASE}:
        return
    headers = _nonce_headers(provider)
    if at_resource:
        scheme = "dPoP" if provider.misbehaviour == SCHEME_CASE else "DPoP"
        raise OAuthError(
            401, "use_dpop_nonce", **headers, WWW_Authenticate=f'{scheme} error="use_dpop_nonce", algs="ES256 PS256"'
        )
    raise OAuthError(400, "use_dpop_nonce", **headers)


def _nonce_headers(provider: "MisbehavingProvider") -> dict[str, str]:
    nonce = secrets.token_urlsafe(16)
    provider.given_nonces.add(nonce)
    value = {NO_NONCE: "", STRANGE_NONCE: 'a "b" \\ c', HUGE_NONCE: "n" * 6000}.get(provider.misbehaviour, nonce)
    return {"DPoP_Nonce": value} if value else {}
