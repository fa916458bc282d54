"""The provider by other hands answers as the specifications say, before anything of ours signs in at it."""

import base64
import hashlib
import json
import re
import secrets
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import aiohttp
import pytest

from tests.interop.node_provider import PASSWORD, NodeProvider, node_provider

CALLBACK = "http://127.0.0.1:1/oauth/callback"
CLIENT = {
    "client_id": "play",
    "client_secret": "a secret of the tests",
    "redirect_uris": [CALLBACK],
    "token_endpoint_auth_method": "client_secret_basic",
}
RESOURCE = "https://profile.example.com"
VERIFIER = secrets.token_urlsafe(48)


@pytest.fixture(scope="module")
def provider() -> Iterator[NodeProvider]:
    with node_provider(clients=[CLIENT], resources={RESOURCE: {"scope": "profile:read"}}) as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """A browser of the plainest sort: it keeps cookies, and follows redirects by hand."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        yield session


async def metadata(http: aiohttp.ClientSession, provider: NodeProvider) -> dict[str, Any]:
    async with http.get(provider.metadata_url) as response:
        assert response.status == 200
        answer: dict[str, Any] = await response.json()
        return answer


def authorization_url(endpoint: str, **more: str) -> str:
    challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
    parameters = {
        "response_type": "code",
        "client_id": CLIENT["client_id"],
        "redirect_uri": CALLBACK,
        "scope": "openid email profile",
        "state": "state of the test",
        "nonce": "nonce of the test",
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        **more,
    }
    return f"{endpoint}?{urlencode({name: value for name, value in parameters.items() if value})}"


async def visit(
    http: aiohttp.ClientSession, method: str, url: str, data: dict[str, str] | None = None
) -> tuple[str, str]:
    """Follows redirects up to a page, or to the client's callback, which nobody serves."""
    while True:
        async with http.request(method, url, data=data, allow_redirects=False) as response:
            if response.status not in (302, 303):
                return url, await response.text()
            url = urljoin(url, response.headers["Location"])
        if url.startswith(CALLBACK):
            return url, ""
        method, data = "GET", None


async def press(http: aiohttp.ClientSession, page: tuple[str, str], button: str, **fields: str) -> tuple[str, str]:
    """Sends the form that has the button."""
    url, html = page
    forms = re.findall(r'<form method="post" action="([^"]+)">(.*?)</form>', html, re.DOTALL)
    action = next(action for action, body in forms if f"<button>{button}</button>" in body)
    return await visit(http, "POST", urljoin(url, action), fields)


async def sign_in(http: aiohttp.ClientSession, url: str) -> dict[str, str]:
    """The parameters that come back to the client after login and consent."""
    page = await press(http, await visit(http, "GET", url), "Sign in", login="ana@example.com", password=PASSWORD)
    return returned(await press(http, page, "Continue"))


def returned(page: tuple[str, str]) -> dict[str, str]:
    url, _ = page
    assert url.startswith(CALLBACK), page
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


async def redeem(http: aiohttp.ClientSession, endpoint: str, code: str, verifier: str = VERIFIER) -> tuple[int, Any]:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": verifier,
    }
    credentials = aiohttp.encode_basic_auth("play", "a+secret+of+the+tests")
    async with http.post(endpoint, data=form, headers={"Authorization": credentials}) as response:
        return response.status, await response.json()


def payload(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


async def test_metadata_names_what_sign_in_needs(http: aiohttp.ClientSession, provider: NodeProvider) -> None:
    found = await metadata(http, provider)
    assert found["issuer"] == provider.issuer
    assert found["code_challenge_methods_supported"] == ["S256"]
    assert found["authorization_response_iss_parameter_supported"] is True
    assert {"authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"} <= found.keys()
    async with http.get(found["jwks_uri"]) as response:
        assert {key["kty"] for key in (await response.json())["keys"]} == {"RSA", "EC", "OKP"}


async def test_code_flow_through_the_pages_to_userinfo(http: aiohttp.ClientSession, provider: NodeProvider) -> None:
    found = await metadata(http, provider)
    answer = await sign_in(http, authorization_url(found["authorization_endpoint"]))
    assert (answer["state"], answer["iss"]) == ("state of the test", provider.issuer)
    status, tokens = await redeem(http, found["token_endpoint"], answer["code"])
    assert status == 200
    claims = payload(tokens["id_token"])
    assert (claims["sub"], claims["nonce"], claims["aud"]) == ("ana", "nonce of the test", "play")
    assert "email" not in claims
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    async with http.get(found["userinfo_endpoint"], headers=headers) as response:
        person = await response.json()
    assert (person["email"], person["given_name"]) == ("ana@example.com", "Ana")
    assert "phone_number" not in person


async def test_access_token_for_a_resource_is_a_jwt(http: aiohttp.ClientSession, provider: NodeProvider) -> None:
    found = await metadata(http, provider)
    scope = "openid email profile:read"
    answer = await sign_in(http, authorization_url(found["authorization_endpoint"], resource=RESOURCE, scope=scope))
    status, tokens = await redeem(http, found["token_endpoint"], answer["code"])
    assert status == 200
    claims = payload(tokens["access_token"])
    assert (claims["iss"], claims["aud"], claims["sub"]) == (provider.issuer, RESOURCE, "ana")
    assert (claims["scope"], claims["email"]) == ("profile:read", "ana@example.com")


async def test_unknown_resource_is_refused(http: aiohttp.ClientSession, provider: NodeProvider) -> None:
    found = await metadata(http, provider)
    url = authorization_url(found["authorization_endpoint"], resource="https://elsewhere.example.com")
    answer = returned(await visit(http, "GET", url))
    assert (answer["error"], answer["iss"]) == ("invalid_target", provider.issuer)


@pytest.mark.parametrize("after_login", [False, True], ids=["before login", "after login"])
async def test_cancel_is_access_denied(
    http: aiohttp.ClientSession, provider: NodeProvider, *, after_login: bool
) -> None:
    found = await metadata(http, provider)
    page = await visit(http, "GET", authorization_url(found["authorization_endpoint"]))
    if after_login:
        page = await press(http, page, "Sign in", login="ana", password=PASSWORD)
    answer = returned(await press(http, page, "Cancel"))
    assert (answer["error"], answer["state"]) == ("access_denied", "state of the test")
    assert answer["iss"] == provider.issuer


async def test_wrong_password_stays_on_the_page(http: aiohttp.ClientSession, provider: NodeProvider) -> None:
    found = await metadata(http, provider)
    page = await visit(http, "GET", authorization_url(found["authorization_endpoint"]))
    url, html = await press(http, page, "Sign in", login="ana", password="wrong")
    assert not url.startswith(CALLBACK)
    assert "do not belong together" in html


async def test_request_without_a_code_challenge_is_refused(http: aiohttp.ClientSession, provider: NodeProvider) -> None:
    found = await metadata(http, provider)
    url = authorization_url(found["authorization_endpoint"], code_challenge="", code_challenge_method="")
    assert returned(await visit(http, "GET", url))["error"] == "invalid_request"


async def test_code_is_redeemed_once_and_with_its_verifier(http: aiohttp.ClientSession, provider: NodeProvider) -> None:
    found = await metadata(http, provider)
    url = authorization_url(found["authorization_endpoint"])
    code = (await sign_in(http, url))["code"]
    status, answer = await redeem(http, found["token_endpoint"], code, verifier="x" * 43)
    assert (status, answer["error"]) == (400, "invalid_grant")
    code = returned(await visit(http, "GET", url))["code"]
    assert (await redeem(http, found["token_endpoint"], code))[0] == 200
    assert (await redeem(http, found["token_endpoint"], code))[0] == 400


def test_provider_stops_when_the_block_ends() -> None:
    with node_provider(clients=[CLIENT], host="localhost") as running:
        assert running.issuer.startswith("http://localhost:")
    with pytest.raises(AssertionError, match="did not start"), node_provider(clients=[{"client_id": ""}]):
        raise RuntimeError("the provider started with a client that it can not have")
