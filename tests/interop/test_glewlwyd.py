"""glewlwyd answers as the specifications say, before anything of ours signs in at it. Its login page is a script, which
these tests stand in for by the calls that it makes; a journey in a browser uses the page itself."""

import json
import secrets
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import suppress
from typing import Any

import aiohttp
import pytest
from joserfc import jwe, jwt
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey

from tests.interop.glewlwyd import CLIENT_SECRET, Glewlwyd, glewlwyd
from tests.interop.node_provider import PASSWORD
from tests.interop.plain_client import CALLBACK, PlainClient, payload, returned, signed

SIGNING_KEY = ECKey.generate_key("P-256", {"kid": "signing", "use": "sig", "alg": "ES256"})
DECRYPTION_KEY = RSAKey.generate_key(2048, {"kid": "decryption", "use": "enc", "alg": "RSA-OAEP-256"})
KEYS = KeySet([SIGNING_KEY, DECRYPTION_KEY])
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@pytest.fixture(scope="module")
def provider() -> Iterator[Glewlwyd]:
    """It stops, and does so when the block fails, too."""
    with suppress(ZeroDivisionError), glewlwyd(redirect_uri=CALLBACK) as running:
        yield running
        raise ZeroDivisionError
    with pytest.raises(urllib.error.URLError, match="refused"):
        urllib.request.urlopen(running.url, timeout=5)


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        yield session


@pytest.fixture
async def metadata(http: aiohttp.ClientSession, provider: Glewlwyd) -> Mapping[str, Any]:
    async with http.get(provider.metadata_url) as response:
        found: Mapping[str, Any] = await response.json()
        return found


async def log_in(client: PlainClient, password: str = PASSWORD) -> int:
    """What the login page does with what a person types."""
    address = client.metadata["issuer"].removesuffix("oidc")
    async with client.http.post(f"{address}auth/", json={"username": "ana", "password": password}) as response:
        return response.status


async def sign_in(client: PlainClient, **more: str) -> dict[str, str]:
    """The parameters that come back to the client after login and consent."""
    url = client.authorization_url(**more)
    page = await client.visit("GET", url)
    assert "/login.html?" in page[0], page
    assert await log_in(client) == 200
    return await consent(client, url)


async def consent(client: PlainClient, url: str) -> dict[str, str]:
    """What the page does when a person consents: it keeps the scopes and goes on."""
    address = client.metadata["issuer"].removesuffix("oidc")
    granted = {"scope": client.parameters()["scope"]}
    async with client.http.put(f"{address}auth/grant/{client.client_id}", json=granted) as response:
        assert response.status == 200, await response.text()
    return returned(await client.visit("GET", f"{url}&g_continue"))


def assertion(header: Mapping[str, Any], audience: str, client_id: str, key: ECKey | OctKey) -> dict[str, str]:
    """RFC 7523, section 2.2."""
    claims = {"iss": client_id, "sub": client_id, "aud": audience, "jti": secrets.token_urlsafe()}
    lasting = {"iat": int(time.time()), "exp": int(time.time()) + 60}
    token = jwt.encode({**header}, {**claims, **lasting}, key, algorithms=[header["alg"]])
    return {"client_id": client_id, "client_assertion_type": ASSERTION, "client_assertion": token}


async def test_metadata_names_what_sign_in_needs(provider: Glewlwyd, metadata: Mapping[str, Any]) -> None:
    assert metadata["issuer"] == provider.issuer
    assert metadata["code_challenge_methods_supported"] == ["S256"]
    assert {"client_secret_basic", "private_key_jwt"} <= set(metadata["token_endpoint_auth_methods_supported"])
    assert {"openid", "profile", "email", "phone"} == set(metadata["scopes_supported"])


@pytest.mark.parametrize(("client_id", "algorithm"), [("basic", "RS256"), ("es256", "ES256")])
async def test_code_flow_to_userinfo(
    http: aiohttp.ClientSession, metadata: Mapping[str, Any], client_id: str, algorithm: str
) -> None:
    client = PlainClient(http, metadata, client_id, CLIENT_SECRET)
    answer = await sign_in(client)
    assert (answer["state"], answer["iss"]) == ("state of the test", metadata["issuer"])
    status, tokens = await client.redeem(answer["code"])
    assert status == 200, tokens
    claims = payload(tokens["id_token"])
    assert payload(tokens["id_token"], 0)["alg"] == algorithm
    assert (claims["aud"], claims["nonce"], claims["iss"]) == (client_id, "nonce of the test", metadata["issuer"])
    _, text = await client.userinfo(tokens["access_token"])
    person = json.loads(text)
    assert person["sub"] == claims["sub"]
    assert (person["email"], person["email_verified"], person["given_name"]) == ("ana@example.com", True, "Ana")
    assert (person["phone_number"], person["birthdate"]) == ("+34600123456", "1990-02-28")


async def test_wrong_password_is_refused(http: aiohttp.ClientSession, metadata: Mapping[str, Any]) -> None:
    assert await log_in(PlainClient(http, metadata, "basic"), password="wrong") == 401


async def test_request_without_a_code_challenge_is_refused(
    http: aiohttp.ClientSession, metadata: Mapping[str, Any]
) -> None:
    client = PlainClient(http, metadata, "basic", CLIENT_SECRET)
    refused = await client.visit("GET", client.authorization_url(code_challenge="", code_challenge_method=""))
    assert returned(refused)["error"] == "invalid_request"


async def test_code_is_redeemed_once_and_with_its_verifier(
    http: aiohttp.ClientSession, metadata: Mapping[str, Any]
) -> None:
    client = PlainClient(http, metadata, "basic", CLIENT_SECRET)
    code = (await sign_in(client))["code"]
    status, answer = await client.redeem(code, {"code_verifier": "x" * 43})
    assert (status, answer["error"]) == (403, "invalid_code"), "RFC 6749 (section 5.2) says 400 and `invalid_grant`"
    code = (await consent(client, client.authorization_url()))["code"]
    assert (await client.redeem(code))[0] == 200
    assert (await client.redeem(code))[0] == 403


async def test_client_that_signs_with_its_key(
    http: aiohttp.ClientSession, metadata: Mapping[str, Any], provider: Glewlwyd
) -> None:
    provider.change_client("key-jwt", jwks=KEYS.as_dict(private=False))
    client = PlainClient(http, metadata, "key-jwt")
    code = (await sign_in(client))["code"]
    proof = assertion({"alg": "ES256", "kid": "signing"}, metadata["token_endpoint"], "key-jwt", SIGNING_KEY)
    status, tokens = await client.redeem(code, proof)
    assert status == 200, tokens


async def test_client_that_signs_with_its_secret(http: aiohttp.ClientSession, metadata: Mapping[str, Any]) -> None:
    client = PlainClient(http, metadata, "secret-jwt")
    code = (await sign_in(client))["code"]
    key = OctKey.import_key(CLIENT_SECRET)
    status, tokens = await client.redeem(
        code, assertion({"alg": "HS256"}, metadata["token_endpoint"], "secret-jwt", key)
    )
    assert status == 200, tokens


async def test_client_without_a_secret(http: aiohttp.ClientSession, metadata: Mapping[str, Any]) -> None:
    client = PlainClient(http, metadata, "public")
    status, tokens = await client.redeem((await sign_in(client))["code"], {"client_id": "public"})
    assert status == 200, tokens


async def test_request_is_pushed(http: aiohttp.ClientSession, metadata: Mapping[str, Any]) -> None:
    client = PlainClient(http, metadata, "basic", CLIENT_SECRET)
    status, pushed = await client.push()
    assert status == 201, pushed
    assert await log_in(client) == 200
    answer = await consent(client, client.pushed_url(pushed))
    assert (await client.redeem(answer["code"]))[0] == 200


async def test_id_token_is_encrypted_for_the_client(
    http: aiohttp.ClientSession, metadata: Mapping[str, Any], provider: Glewlwyd
) -> None:
    provider.change_client("encrypted", jwks=KEYS.as_dict(private=False))
    client = PlainClient(http, metadata, "encrypted", CLIENT_SECRET)
    status, tokens = await client.redeem((await sign_in(client))["code"])
    assert status == 200, tokens
    nested = jwe.decrypt_compact(tokens["id_token"], DECRYPTION_KEY, algorithms=["RSA-OAEP-256", "A256GCM"])
    assert payload((nested.plaintext or b"").decode())["aud"] == "encrypted"


async def test_authorization_response_is_signed(http: aiohttp.ClientSession, metadata: Mapping[str, Any]) -> None:
    client = PlainClient(http, metadata, "basic", CLIENT_SECRET)
    answer = await sign_in(client, response_mode="query.jwt")
    assert list(answer) == ["response"]
    said = payload(answer["response"])
    assert (said["iss"], said["aud"], said["state"]) == (metadata["issuer"], "basic", "state of the test")
    assert (await client.redeem(said["code"]))[0] == 200


async def test_access_token_is_bound_to_the_key_of_the_client(
    http: aiohttp.ClientSession, metadata: Mapping[str, Any]
) -> None:
    client = PlainClient(http, metadata, "dpop", CLIENT_SECRET)
    answer = await sign_in(client)
    key = ECKey.generate_key("P-256")
    header = {"typ": "dpop+jwt", "jwk": key.as_dict(private=False)}
    claims = {"htm": "POST", "htu": metadata["token_endpoint"], "iat": int(time.time()), "jti": secrets.token_urlsafe()}
    status, tokens = await client.redeem(answer["code"], headers={"DPoP": signed(header, claims, key)})
    assert (status, tokens["token_type"].lower()) == (200, "dpop"), tokens
    assert payload(tokens["access_token"])["cnf"]["jkt"] == key.thumbprint()
