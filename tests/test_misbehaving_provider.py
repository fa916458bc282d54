"""The provider for tests behaves when it should, and misbehaves as its switch says. Driven by plain HTTP."""

import asyncio
import hashlib
import json
import time
import urllib.request
from base64 import b64encode, urlsafe_b64decode
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, parse_qsl, quote_plus, urlencode, urlsplit

import aiohttp
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from tests.misbehaving_provider import (
    BROKEN_KEYS,
    CALLBACKS,
    ID_TOKEN_CLAIMS,
    MisbehavingProvider,
    base64url,
    served_misbehaving_provider,
)

REDIRECT_URI = "http://127.0.0.1:1/oauth/callback"
VERIFIER = "a" * 43
NONCE = "nonce-1"


@pytest.fixture
async def provider() -> AsyncIterator[MisbehavingProvider]:
    async with MisbehavingProvider() as running:
        yield running


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session:
        yield session


def authorization_url(provider: MisbehavingProvider, **changes: str) -> str:
    parameters = {
        "response_type": "code", "client_id": provider.client_id, "redirect_uri": REDIRECT_URI, "scope": "openid email",
        "state": "state-1", "nonce": NONCE, "code_challenge_method": "S256",
        "code_challenge": base64url(hashlib.sha256(VERIFIER.encode()).digest()), **changes,
    }  # fmt: skip
    return f"{provider.issuer}/authorize?{urlencode(parameters)}"


async def authorize(
    provider: MisbehavingProvider, client: aiohttp.ClientSession, **changes: str
) -> list[tuple[str, str]]:
    async with client.get(authorization_url(provider, **changes), allow_redirects=False) as response:
        assert response.status == 303
        assert response.headers["Location"].startswith(REDIRECT_URI + "?")
        return parse_qsl(urlsplit(response.headers["Location"]).query, keep_blank_values=True)


def token_form(code: str, **changes: str) -> dict[str, str]:
    return {
        "grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI, "code_verifier": VERIFIER,
        **changes,
    }  # fmt: skip


def basic(provider: MisbehavingProvider, secret: str | None = None) -> dict[str, str]:
    pair = f"{quote_plus(provider.client_id)}:{quote_plus(secret or provider.client_secret)}"
    return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}


async def redeem(provider: MisbehavingProvider, client: aiohttp.ClientSession) -> dict[str, Any]:
    code = dict(await authorize(provider, client))["code"]
    url = f"{provider.issuer}/token"
    async with client.post(url, data=token_form(code), headers=basic(provider)) as response:
        assert response.status == 200
        answer = await response.json()
        assert isinstance(answer, dict)
        return answer


async def document(client: aiohttp.ClientSession, url: str, **headers: str) -> Any:
    async with client.get(url, headers=headers) as response:
        assert response.status == 200
        return await response.json()


def part(token: str, number: int) -> dict[str, Any]:
    text = token.split(".")[number]
    read = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    assert isinstance(read, dict)
    return read


def number(text: str) -> int:
    return int.from_bytes(urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")


def verify(token: str, key: dict[str, Any]) -> None:
    """Raises InvalidSignature."""
    message, _, signature = token.rpartition(".")
    raw = urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
    public = rsa.RSAPublicNumbers(number(key["e"]), number(key["n"])).public_key()
    public.verify(raw, message.encode(), padding.PKCS1v15(), SHA256())


# While it behaves


async def test_a_whole_sign_in(provider: MisbehavingProvider, client: aiohttp.ClientSession) -> None:
    metadata = await document(client, f"{provider.issuer}/.well-known/openid-configuration")
    assert metadata["issuer"] == provider.issuer
    back = dict(await authorize(provider, client))
    assert back["state"] == "state-1"
    assert back["iss"] == provider.issuer
    async with client.post(
        metadata["token_endpoint"], data=token_form(back["code"]), headers=basic(provider)
    ) as response:
        assert response.headers["Cache-Control"] == "no-store"
        tokens = await response.json()
    assert tokens["token_type"] == "Bearer"
    (key,) = (await document(client, metadata["jwks_uri"]))["keys"]
    verify(tokens["id_token"], key)
    assert part(tokens["id_token"], 0) == {"typ": "JWT", "alg": "RS256", "kid": key["kid"]}
    claims = part(tokens["id_token"], 1)
    assert claims["iss"] == provider.issuer
    assert claims["aud"] == provider.client_id
    assert claims["nonce"] == NONCE
    assert abs(claims["iat"] - time.time()) < 60
    assert claims["exp"] == claims["iat"] + 300
    assert claims["at_hash"] == base64url(hashlib.sha256(tokens["access_token"].encode()).digest()[:16])
    bearer = f"Bearer {tokens['access_token']}"
    person = await document(client, metadata["userinfo_endpoint"], Authorization=bearer)
    assert person == provider.person
    assert claims["sub"] == person["sub"]
    api = await document(client, f"{provider.issuer}/api/person", Authorization=bearer)
    assert api["data"]["people"][0] == person
    assert [call.path for call in provider.requests] == [
        "/.well-known/openid-configuration", "/authorize", "/token", "/jwks", "/userinfo", "/api/person"
    ]  # fmt: skip


async def test_the_client_may_authenticate_in_the_form(
    provider: MisbehavingProvider, client: aiohttp.ClientSession
) -> None:
    code = dict(await authorize(provider, client))["code"]
    form = token_form(code, client_id=provider.client_id, client_secret=provider.client_secret)
    async with client.post(f"{provider.issuer}/token", data=form) as response:
        assert response.status == 200


async def test_without_openid_there_is_no_id_token(
    provider: MisbehavingProvider, client: aiohttp.ClientSession
) -> None:
    code = dict(await authorize(provider, client, scope="email"))["code"]
    async with client.post(
        f"{provider.issuer}/token", data=token_form(code), headers=basic(provider)
    ) as response:  # fmt: skip
        assert "id_token" not in await response.json()


async def test_a_code_is_taken_once(provider: MisbehavingProvider, client: aiohttp.ClientSession) -> None:
    code = dict(await authorize(provider, client))["code"]
    answers = []
    for _ in range(2):
        async with client.post(
            f"{provider.issuer}/token", data=token_form(code), headers=basic(provider)
        ) as response:  # fmt: skip
            answers.append((response.status, (await response.json()).get("error")))
    assert answers == [(200, None), (400, "invalid_grant")]


@pytest.mark.parametrize(
    "change",
    [{"code_verifier": "b" * 43}, {"code_verifier": ""}, {"redirect_uri": "http://other.example"}, {"code": "other"}],
)
async def test_a_grant_that_does_not_fit(
    provider: MisbehavingProvider, client: aiohttp.ClientSession, change: dict[str, str]
) -> None:
    code = dict(await authorize(provider, client))["code"]
    form = {**token_form(code), **change}
    async with client.post(f"{provider.issuer}/token", data=form, headers=basic(provider)) as response:
        assert response.status == 400
        assert (await response.json())["error"] == "invalid_grant"


async def test_another_client_is_refused_and_the_code_kept(
    provider: MisbehavingProvider, client: aiohttp.ClientSession
) -> None:
    code = dict(await authorize(provider, client))["code"]
    for headers, status in ((basic(provider, "wrong"), 401), ({}, 401), (basic(provider), 200)):
        async with client.post(f"{provider.issuer}/token", data=token_form(code), headers=headers) as response:
            assert response.status == status


@pytest.mark.parametrize(
    "change", [{"client_id": "x"}, {"response_type": "token"}, {"code_challenge_method": "plain"}, {"redirect_uri": ""}]
)
async def test_an_authorization_request_that_does_not_fit(
    provider: MisbehavingProvider, client: aiohttp.ClientSession, change: dict[str, str]
) -> None:
    async with client.get(authorization_url(provider, **change), allow_redirects=False) as response:
        assert response.status == 400


async def test_a_fixed_redirect_uri(provider: MisbehavingProvider, client: aiohttp.ClientSession) -> None:
    provider.redirect_uri = "http://127.0.0.1:2/callback"
    async with client.get(authorization_url(provider), allow_redirects=False) as response:
        assert response.status == 400


@pytest.mark.parametrize("path", ["/userinfo", "/api/person"])
async def test_the_person_is_told_to_a_bearer_alone(
    provider: MisbehavingProvider, client: aiohttp.ClientSession, path: str
) -> None:
    tokens = await redeem(provider, client)
    async with client.get(provider.issuer + path, headers={"Authorization": "Bearer other"}) as response:
        assert response.status == 401
    async with client.post(provider.issuer + path, data={"access_token": tokens["access_token"]}) as response:
        assert response.status == 200


async def test_each_call_is_recorded(provider: MisbehavingProvider, client: aiohttp.ClientSession) -> None:
    await redeem(provider, client)
    (call,) = provider.calls("/token")
    assert call.method == "POST"
    assert call.form["code_verifier"] == VERIFIER
    assert call.headers["authorization"].startswith("Basic ")
    assert provider.calls("/authorize")[0].query["nonce"] == NONCE
    assert provider.calls("/userinfo") == []
    async with client.get(f"{provider.issuer}/elsewhere") as response:
        assert response.status == 404
    assert len(provider.calls("/elsewhere")) == 1


def test_a_thread_of_its_own() -> None:
    with served_misbehaving_provider() as provider:
        with urllib.request.urlopen(f"{provider.issuer}/jwks", timeout=60) as response:
            assert len(json.load(response)["keys"]) == 1
        assert [call.path for call in provider.requests] == ["/jwks"]
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"{provider.issuer}/jwks", timeout=60)


# While it misbehaves


IN_A_PLAIN_ONE = sorted(name for name in ID_TOKEN_CLAIMS if name not in {"missing_auth_time", "missing_acr"})
CHANGED = {
    "expired": {"exp"}, "extra_aud": {"aud", "azp"}, "missing_iss_claim": {"iss"}, "wrong_at_hash": {"at_hash"},
    "missing_at_hash": {"at_hash"}, "wrong_c_hash": {"c_hash"}, "missing_c_hash": set(), "wrong_s_hash": {"s_hash"},
    "missing_s_hash": set(), "old_auth_time": {"auth_time"},
}  # fmt: skip
"""The claims that change, where the name does not end with their name."""


@pytest.mark.parametrize("name", IN_A_PLAIN_ONE)
async def test_the_claims_of_an_id_token_go_wrong_and_nothing_else(
    provider: MisbehavingProvider, client: aiohttp.ClientSession, name: str
) -> None:
    good = part((await redeem(provider, client))["id_token"], 1)
    provider.misbehaviour = name
    token = (await redeem(provider, client))["id_token"]
    (key,) = (await document(client, f"{provider.issuer}/jwks"))["keys"]
    verify(token, key)
    claims = part(token, 1)
    changed = {claim for claim in good.keys() | claims.keys() if good.get(claim) != claims.get(claim)}
    expected = CHANGED.get(name, {name.rpartition("_")[2]})
    told = {"iat", "exp", "at_hash"}  # these differ from one token to the next
    assert expected <= changed | {"at_hash"} | ({"sub"} if name == "null_sub" else set())
    assert changed - told == expected - told
    now = time.time()
    if "exp" not in name:
        assert claims["exp"] > now
    assert name != "expired" or claims["exp"] <= now
    assert ("exp" in claims) is (name != "missing_exp")
    assert claims.get("nbf", 0) > now or name != "future_nbf"


async def signed(provider: MisbehavingProvider, client: aiohttp.ClientSession, name: str) -> tuple[str, Any]:
    provider.misbehaviour = name
    token = (await redeem(provider, client))["id_token"]
    return token, (await document(client, f"{provider.issuer}/jwks"))["keys"][-1]


@pytest.mark.parametrize("name", ["crit_header", "unknown_kid", "kid_absent", "key_rotated", "broken_key_in_jwks"])
async def test_headers_go_wrong_over_a_good_signature(
    provider: MisbehavingProvider, client: aiohttp.ClientSession, name: str
) -> None:
    first = (await document(client, f"{provider.issuer}/jwks"))["keys"][-1]
    token, key = await signed(provider, client, name)
    verify(token, key)
    header = part(token, 0)
    assert ("crit" in header) is (name == "crit_header")
    assert (header.get("kid") == key["kid"]) is (name not in {"unknown_kid", "kid_absent"})
    assert (key["kid"] != first["kid"]) is (name == "key_rotated")
    keys = (await document(client, f"{provider.issuer}/jwks"))["keys"]
    assert (keys[:-1] == BROKEN_KEYS) is (name == "broken_key_in_jwks")


@pytest.mark.parametrize("name", ["bad_signature", "alg_none", "hs256_public_key", "jwk_header"])
async def test_signatures_go_wrong(provider: MisbehavingProvider, client: aiohttp.ClientSession, name: str) -> None:
    token, key = await signed(provider, client, name)
    with pytest.raises(InvalidSignature):
        verify(token, key)
    header = part(token, 0)
    assert header["alg"] == {"alg_none": "none", "hs256_public_key": "HS256"}.get(name, "RS256")
    if name == "jwk_header":
        verify(token, header["jwk"])


async def test_a_key_set_of_garbage(provider: MisbehavingProvider, client: aiohttp.ClientSession) -> None:
    provider.misbehaviour = "jwks_garbage"
    assert await document(client, f"{provider.issuer}/jwks") == {"keys": "none"}


GOOD = {"code", "state", "iss"}
ERROR = {"error", "error_description", "state", "iss"}
CALLBACK_NAMES: dict[str, set[str]] = {
    "callback_missing_iss": GOOD - {"iss"},
    "callback_missing_state": GOOD - {"state"},
    "callback_neither": GOOD - {"code"},
    "callback_error": ERROR,
    "callback_access_denied": ERROR,
    "callback_user_cancelled": ERROR,
    "callback_login_required": ERROR,
    "callback_unknown_error": ERROR,
    "callback_code_and_error": GOOD | {"error"},
    "callback_line_break": GOOD | {"error"},
    "callback_double_id_token": GOOD | {"id_token"},
    "callback_double_response": GOOD | {"response"},
    "callback_foreign_id_token": GOOD | {"id_token"},
    "callback_nothing": set(),
    "callback_ampersand": set(),
    "callback_other_mode": set(),
}
CALLBACK_VALUES: dict[str, tuple[str, list[str]]] = {
    "callback_wrong_iss": ("iss", ["https://other.example"]),
    "callback_empty_iss": ("iss", [""]),
    "callback_wrong_state": ("state", ["another-state"]),
    "callback_error": ("error", ["server_error"]),
    "callback_access_denied": ("error", ["access_denied"]),
    "callback_user_cancelled": ("error", ["user_cancelled_authorize"]),
    "callback_login_required": ("error", ["login_required"]),
    "callback_unknown_error": ("error", ["<script>alert(1)</script>"]),
    "callback_code_and_error": ("error", ["server_error"]),
    "callback_line_break": ("error", ["server_error\r\nSet-Cookie: a=b"]),
    "callback_double_state": ("state", ["state-1", "another-state"]),
    "callback_huge_code": ("code", ["x" * 5000]),
    "callback_foreign_id_token": ("id_token", ["a.b.c"]),
}


@pytest.mark.parametrize("name", sorted(CALLBACKS))
async def test_the_authorization_response_goes_wrong(
    provider: MisbehavingProvider, client: aiohttp.ClientSession, name: str
) -> None:
    provider.misbehaviour = name
    async with client.get(authorization_url(provider), allow_redirects=False) as response:
        address = urlsplit(response.headers["Location"])
    back = parse_qs(address.query, keep_blank_values=True)
    assert back.keys() == CALLBACK_NAMES.get(name, GOOD)
    assert {parameter for parameter, values in back.items() if len(values) > 1} == (
        {name.removeprefix("callback_double_")} if name.startswith("callback_double_") else set()
    )
    if name in CALLBACK_VALUES:
        parameter, values = CALLBACK_VALUES[name]
        assert back[parameter] == values
    assert bool(address.fragment) is (name == "callback_other_mode")
    assert (address.query == "&") is (name == "callback_ampersand")


@pytest.mark.parametrize(
    ("name", "status", "media_type", "beginning"),
    [
        ("token_400", 400, "application/json", b'{"error": "invalid_grant"'),
        ("token_401", 401, "application/json", b'{"error": "invalid_client"'),
        ("token_500", 500, "text/html", b"<h1>"),
        ("token_html", 200, "text/html", b"<h1>"),
        ("token_not_json", 200, "application/json", b"access_token="),
        ("token_array", 200, "application/json", b"[]"),
        ("token_null_fields", 200, "application/json", b'{"access_token": null'),
        ("token_redirect", 307, "application/octet-stream", b""),
    ],
)
async def test_the_token_response_goes_wrong(
    provider: MisbehavingProvider,
    client: aiohttp.ClientSession,
    name: str,
    status: int,
    media_type: str,
    beginning: bytes,
) -> None:
    provider.misbehaviour = name
    code = dict(await authorize(provider, client))["code"]
    async with client.post(
        f"{provider.issuer}/token", data=token_form(code), headers=basic(provider), allow_redirects=False
    ) as response:
        assert response.status == status
        assert response.content_type == media_type
        assert (await response.read()).startswith(beginning)


async def test_members_of_the_token_response_go_wrong(
    provider: MisbehavingProvider, client: aiohttp.ClientSession
) -> None:
    provider.misbehaviour = "no_id_token"
    assert "id_token" not in await redeem(provider, client)
    provider.misbehaviour = "token_type_mac"
    assert (await redeem(provider, client))["token_type"] == "mac"
    provider.misbehaviour = "token_huge"
    assert len(json.dumps(await redeem(provider, client))) > 1_048_576
    provider.misbehaviour = "token_bomb"
    code = dict(await authorize(provider, client))["code"]
    async with (
        aiohttp.ClientSession(auto_decompress=False) as plain,
        plain.post(f"{provider.issuer}/token", data=token_form(code), headers=basic(provider)) as response,
    ):
        assert response.headers["Content-Encoding"] == "gzip"
        assert len(await response.read()) < 1_000_000


async def test_the_token_response_does_not_come(provider: MisbehavingProvider, client: aiohttp.ClientSession) -> None:
    provider.misbehaviour = "token_hangs"
    code = dict(await authorize(provider, client))["code"]
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await client.post(f"{provider.issuer}/token", data=token_form(code), headers=basic(provider))
    provider.misbehaviour = "token_resets"
    code = dict(await authorize(provider, client))["code"]
    with pytest.raises(aiohttp.ClientConnectionError):
        await client.post(f"{provider.issuer}/token", data=token_form(code), headers=basic(provider))


async def test_the_token_response_comes_in_drops(provider: MisbehavingProvider, client: aiohttp.ClientSession) -> None:
    provider.misbehaviour = "token_drips"
    code = dict(await authorize(provider, client))["code"]
    async with client.post(f"{provider.issuer}/token", data=token_form(code), headers=basic(provider)) as response:
        drops = [await response.content.readany() for _ in range(3)]
    assert drops == [b" "] * 3


async def test_the_person_goes_wrong(provider: MisbehavingProvider, client: aiohttp.ClientSession) -> None:
    tokens = await redeem(provider, client)
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    provider.misbehaviour = "userinfo_other_sub"
    assert (await document(client, f"{provider.issuer}/userinfo", **bearer))["sub"] == "person-2"
    provider.misbehaviour = "userinfo_missing_sub"
    assert "sub" not in await document(client, f"{provider.issuer}/userinfo", **bearer)
    for name, status, media_type in (("userinfo_401", 401, "application/json"), ("userinfo_html", 200, "text/html")):
        provider.misbehaviour = name
        async with client.get(f"{provider.issuer}/userinfo", headers=bearer) as response:
            assert (response.status, response.content_type) == (status, media_type)


async def test_discovery_goes_wrong(provider: MisbehavingProvider, client: aiohttp.ClientSession) -> None:
    url = f"{provider.issuer}/.well-known/openid-configuration"
    provider.misbehaviour = "discovery_wrong_issuer"
    assert (await document(client, url))["issuer"] == "https://other.example"
    for name, path in (("discovery_500", url), ("jwks_500", f"{provider.issuer}/jwks")):
        provider.misbehaviour = name
        async with client.get(path) as response:
            assert response.status == 500
