"""What the provider signs and encrypts for a client: ID tokens, and the outer form of the other documents."""

import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from tests.misbehaving_provider.claims import ID_TOKEN_CLAIMS, REDEEMED_CLAIMS, REFRESHED_CLAIMS, change
from tests.misbehaving_provider.client_authentication import client_keys
from tests.misbehaving_provider.encryption import Encryption, encrypt
from tests.misbehaving_provider.keys import Claims, half_hash, parts
from tests.misbehaving_provider.model import Client, Grant
from tests.misbehaving_provider.signatures import signed

if TYPE_CHECKING:
    from tests.misbehaving_provider.provider import MisbehavingProvider

AUTHORIZATION, TOKEN, REFRESH = "authorization", "token", "refresh"
"""Where an ID token comes from: the authorization endpoint, a code, a refresh token."""
OF_A_PLACE = {TOKEN: REDEEMED_CLAIMS, REFRESH: REFRESHED_CLAIMS}


async def id_token(
    provider: "MisbehavingProvider",
    grant: Grant,
    place: str,
    *,
    access_token: str = "",
    code: str = "",
    state: str = "",
) -> str:
    """An ID token with the hashes of what goes with it."""
    if provider.misbehaviour == "key_rotated":
        provider.rotate_key()
    claims = _claims(provider, grant, place)
    values = {"at_hash": access_token, "c_hash": code, "s_hash": state}
    claims |= {name: half_hash(provider.algorithm, value) for name, value in values.items() if value}
    wrong = provider.wrong_at(place)
    change((ID_TOKEN_CLAIMS, OF_A_PLACE.get(place, {})), wrong, claims)
    token = signed(wrong, claims, provider.signing_key(provider.algorithm, grant.client))
    return await wrapped(provider, grant.client, token, provider.id_token_encryption, wrong)


def _claims(provider: "MisbehavingProvider", grant: Grant, place: str) -> Claims:
    now = int(time.time())
    person = {name: told for name, told in provider.person.items() if name == "sub" or not provider.thin_id_tokens}
    claims = {**person, "iss": provider.issuer, "aud": grant.client.id, "iat": now, "exp": now + 300}
    if grant.nonce and place != REFRESH:
        claims["nonce"] = grant.nonce
    if provider.sid:
        claims["sid"] = provider.sid
    if "max_age" in grant.request:
        claims["auth_time"] = provider.auth_time or now
    if contexts := _contexts(grant.request):
        claims["acr"] = contexts[0]
    return claims


def _contexts(request: Mapping[str, str]) -> list[str]:
    """Those that were asked for: by `acr_values`, or by `claims` (OpenID Connect Core section 5.5.1.1)."""
    asked = json.loads(request.get("claims", "{}")).get("id_token", {}).get("acr") or {}
    return request.get("acr_values", "").split() or asked.get("values", [])


async def wrapped(
    provider: "MisbehavingProvider", client: Client, token: str, how: Encryption | None, wrong: str = ""
) -> str:  # fmt: skip
    """Encrypted for the client, if that is how the document goes out."""
    if how is None or wrong == "encrypted_not":
        return token
    recipient: Claims = {}
    if how.alg != "dir":
        recipient = _fitting(how, await client_keys(provider, client))
    plaintext = _claims_inside(token) if wrong == "encrypted_raw" else token
    return encrypt(plaintext.encode(), how, recipient, client.secret, wrong)


def _fitting(how: Encryption, keys: list[Claims]) -> Claims:
    """The key of the client for this encryption. Raises StopIteration."""
    kty = "EC" if how.alg.startswith("ECDH") else "RSA"
    usable = [key for key in keys if key["kty"] == kty and key.get("use", "enc") == "enc"]
    return next((key for key in usable if key.get("alg") == how.alg), usable[0])


def _claims_inside(token: str) -> str:
    return json.dumps(parts(token)[1])
