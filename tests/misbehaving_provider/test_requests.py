"""While nothing goes wrong: what a client may ask, and how it proves itself."""

import json
import time
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from aiohttp import web

from tests.misbehaving_provider import Certified, MisbehavingProvider, client_certificate, client_context
from tests.misbehaving_provider.encryption import Encryption, encrypt, own_jwk
from tests.misbehaving_provider.keys import Claims, Key, MacKey, SigningKey, compact, half_hash, parts, verify
from tests.misbehaving_provider.simple_client import (
    CLIENT_JWKS,
    OLD_SIGNING,
    REDIRECT_URI,
    SIGNING,
    Returned,
    SimpleClient,
)

TYPES = ["code", "code id_token", "code token", "code id_token token", "id_token", "id_token token"]


@pytest.mark.parametrize("types", TYPES)
@pytest.mark.parametrize("mode", ["", "fragment", "form_post", "jwt", "fragment.jwt", "form_post.jwt"])
async def test_response_types_and_modes(client: SimpleClient, types: str, mode: str) -> None:
    back = await client.authorize(response_type=types, response_mode=mode)
    default = "query" if types == "code" else "fragment"
    assert back.mode == (mode.removesuffix("jwt").removesuffix(".") or default)
    values: dict[str, Any] = dict(back.parameters)
    if mode.endswith("jwt"):
        assert list(values) == ["response"]
        [key] = client.provider.public_keys()
        verify(values["response"], key)
        values = parts(values["response"])[1]
        assert values.pop("aud") == client.provider.client_id
        assert values.pop("exp") > time.time()
    assert {"code", "id_token", "access_token"} & set(values) == {
        {"code": "code", "id_token": "id_token", "token": "access_token"}[part] for part in types.split()
    }
    assert (values["state"], values["iss"]) == ("state-1", client.provider.issuer)
    if "id_token" in values:
        check_hashes(values)


def check_hashes(values: dict[str, Any]) -> None:
    claims = parts(values["id_token"])[1]
    for name, beside in (("c_hash", "code"), ("at_hash", "access_token"), ("s_hash", "state")):
        assert claims.get(name) == (half_hash("RS256", values[beside]) if beside in values else None)


async def test_hybrid_gives_tokens_twice(client: SimpleClient) -> None:
    back = await client.authorize(response_type="code id_token token")
    tokens = (await client.redeem(back["code"])).document()
    assert tokens["access_token"] != back["access_token"]
    assert parts(tokens["id_token"])[1]["sub"] == parts(back["id_token"])[1]["sub"]
    assert (await client.userinfo(back["access_token"])).document()["sub"] == "person-1"


@pytest.mark.parametrize(
    "changes",
    [
        {"response_type": "code id_token", "response_mode": "query"},
        {"response_type": "token"},
        {"response_type": "id_token", "nonce": ""},
        {"response_mode": "other"},
        {"redirect_uri": ""},
        {"request": "a.b.c"},
        {"request_uri": "urn:ietf:params:oauth:request_uri:made-up"},
    ],
)
async def test_requests_that_do_not_fit(client: SimpleClient, changes: dict[str, str]) -> None:
    seen = await client.ask("GET", f"/authorize?{urlencode(client.asked(**changes))}")
    assert seen.status == 400


async def test_without_a_login_there_is_an_error(client: SimpleClient) -> None:
    back = await client.authorize(prompt="none", max_age="0", response_mode="form_post")
    assert (back.mode, back["error"], back["state"]) == ("form_post", "login_required", "state-1")


# Pushed requests and request objects


async def test_a_pushed_request_is_used_once_and_by_its_client(client: SimpleClient) -> None:
    client.provider.par_required = True
    assert (await client.ask("GET", f"/authorize?{urlencode(client.asked())}")).status == 400
    assert (await client.ask("POST", "/par", data=client.asked())).status == 401
    seen = await client.ask("POST", "/par", data=client.asked(), headers=client.basic())
    assert (seen.status, seen.document()["expires_in"]) == (201, 60)
    short = {"client_id": client.provider.client_id, "request_uri": seen.document()["request_uri"]}
    tokens = (await client.redeem((await client.follow(short))["code"])).document()
    assert "id_token" in tokens
    assert (await client.ask("GET", f"/authorize?{urlencode(short)}")).status == 400
    other = await client.ask("POST", "/par", data=client.asked(), headers=client.basic())
    foreign = {"client_id": "other", "request_uri": other.document()["request_uri"]}
    assert (await client.ask("GET", f"/authorize?{urlencode(foreign)}")).status == 400


async def test_a_pushed_request_is_checked(client: SimpleClient) -> None:
    for changes in ({"request_uri": "https://a.example"}, {"code_challenge_method": "plain"}, {"response_type": "x"}):
        seen = await client.ask("POST", "/par", data=client.asked(**changes), headers=client.basic())
        assert seen.status == 400


def request_object(client: SimpleClient, key: Key = SIGNING, alg: str = "", **changes: Any) -> str:
    claims: Claims = {
        **client.asked(), "iss": client.provider.client_id, "aud": client.provider.issuer, "exp": time.time() + 60,
        **changes,
    }  # fmt: skip
    header = {"typ": "oauth-authz-req+jwt", "alg": alg or key.algorithm, "kid": key.kid}
    return compact(header, claims, key.sign if alg != "none" else lambda message: b"")


async def test_a_request_object_counts_alone(client: SimpleClient) -> None:
    client.provider.request_object_required = True
    assert (await client.ask("GET", f"/authorize?{urlencode(client.asked())}")).status == 400
    sent = {**client.asked(state="attacker"), "request": request_object(client)}
    assert (await client.follow(sent))["state"] == "state-1"
    pushed = await client.ask("POST", "/par", data={"request": request_object(client)}, headers=client.basic())
    short = {"client_id": client.provider.client_id, "request_uri": pushed.document()["request_uri"]}
    assert (await client.follow(short))["state"] == "state-1"


@pytest.mark.parametrize(
    "changes",
    [
        {"key": SigningKey(-1, "ES256")},
        {"alg": "none"},
        {"iss": "other"},
        {"aud": "https://other.example"},
        {"client_id": "other"},
        {"exp": 1},
    ],
)
async def test_a_request_object_is_checked(client: SimpleClient, changes: dict[str, Any]) -> None:
    sent = {"client_id": client.provider.client_id, "request": request_object(client, **changes)}
    assert (await client.ask("GET", f"/authorize?{urlencode(sent)}")).status == 400


async def test_the_algorithm_of_request_objects_is_registered(client: SimpleClient) -> None:
    name = client.provider.client_id
    client.provider.request_object_algorithm = "RS256"
    wrong = {"client_id": name, "request": request_object(client)}
    assert (await client.ask("GET", f"/authorize?{urlencode(wrong)}")).status == 400
    assert await client.follow({"client_id": name, "request": request_object(client, OLD_SIGNING)})
    client.provider.request_object_algorithm = "none"
    assert await client.follow({"client_id": name, "request": request_object(client, alg="none")})


async def test_a_request_object_may_be_encrypted(client: SimpleClient) -> None:
    for alg, enc in (("RSA-OAEP-256", "A256GCM"), ("RSA-OAEP", "A128CBC-HS256")):
        token = encrypt(request_object(client).encode(), Encryption(alg, enc), own_jwk(), "")
        sent = {"client_id": client.provider.client_id, "request": token}
        assert (await client.follow(sent))["state"] == "state-1"


async def test_a_request_object_and_keys_are_fetched_from_the_client(client: SimpleClient) -> None:
    async def respond(request: web.Request) -> web.StreamResponse:
        return (
            web.json_response(CLIENT_JWKS) if request.path == "/jwks" else web.Response(text=request_object(client))
        )  # fmt: skip

    app = web.Application()
    app.router.add_get("/{path}", respond)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        place = f"http://127.0.0.1:{runner.addresses[0][1]}"
        client.provider.client_jwks, client.provider.client_jwks_uri = {}, f"{place}/jwks"
        back = await client.follow({"client_id": client.provider.client_id, "request_uri": f"{place}/object"})
        assert back["state"] == "state-1"
    finally:
        await runner.cleanup()


# Client authentication


async def redeemed(client: SimpleClient, **arguments: Any) -> int:
    return (await client.redeem((await client.authorize())["code"], **arguments)).status


async def test_each_method_is_the_only_one(client: SimpleClient) -> None:
    provider = client.provider
    named = {"client_id": provider.client_id}
    ways: dict[str, dict[str, Any]] = {
        "client_secret_basic": {},
        "client_secret_post": {"headers": {}, "form": {**named, "client_secret": provider.client_secret}},
        "client_secret_jwt": {"headers": {}, "form": client.assertion(MacKey(provider.client_secret))},
        "private_key_jwt": {"headers": {}, "form": client.assertion(SIGNING)},
        "none": {"headers": {}, "form": named},
    }
    for method in ways:
        provider.authentication = method
        for way, arguments in ways.items():
            assert await redeemed(client, **arguments) == (200 if way == method else 401)
            provider.used_jtis.clear()


@pytest.mark.parametrize(
    "change",
    [
        {"aud": "token"},
        {"aud": ["issuer"]},
        {"aud": "https://other.example"},
        {"iss": "other"},
        {"sub": "other"},
        {"exp": 1},
        {"exp": 9_999_999_999},
        {"jti": None},
    ],
)
async def test_an_assertion_is_checked(client: SimpleClient, change: dict[str, Any]) -> None:
    provider = client.provider
    provider.authentication = "private_key_jwt"
    issuer = provider.issuer
    told = {"token": f"{issuer}/token"}
    if "aud" in change:
        change = {"aud": [issuer] if isinstance(change["aud"], list) else told.get(change["aud"], change["aud"])}
    if "jti" in change:
        provider.used_jtis.add("once")
        change = {"jti": "once"}
    assert await redeemed(client, headers={}, form=client.assertion(SIGNING, **change)) == 401


async def test_an_assertion_by_another_key_or_used_twice(client: SimpleClient) -> None:
    client.provider.authentication = "private_key_jwt"
    assert await redeemed(client, headers={}, form=client.assertion(SigningKey(-1, "ES256"))) == 401
    form = client.assertion(SIGNING)
    assert [await redeemed(client, headers={}, form=form) for _ in range(2)] == [200, 401]


def made_secret(provider: MisbehavingProvider, key: SigningKey = SIGNING, **changes: Any) -> str:
    """Numbers are seconds from now."""
    now = int(time.time())
    claims = {"iss": "a team", "iat": now, "exp": now + 300, "aud": provider.issuer, "sub": provider.client_id}
    header = {"alg": "ES256", "kid": key.kid, **changes.pop("header", {})}
    moments = {name: now + value for name, value in changes.items() if isinstance(value, int)}
    told = {name: value for name, value in {**claims, **changes, **moments}.items() if value is not None}
    return compact(header, told, key.sign)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({}, 200),
        ({"exp": 15_000_000}, 200),
        ({"exp": -1}, 401),
        ({"exp": 15_800_000}, 401),
        ({"exp": None}, 401),
        ({"exp": "soon"}, 401),
        ({"iat": 60}, 401),
        ({"iat": None}, 401),
        ({"iss": "another team"}, 401),
        ({"aud": "https://other.example"}, 401),
        ({"sub": "other"}, 401),
        ({"jti": "more than it says"}, 401),
        ({"header": {"kid": "another"}}, 401),
        ({"header": {"typ": "JWT"}}, 401),
        ({"header": {"alg": "none"}}, 401),
        ({"key": SigningKey(-1, "ES256")}, 401),
        ({"key": OLD_SIGNING}, 401),
    ],
)
async def test_a_secret_of_the_clients_own_making_is_checked(
    client: SimpleClient, change: dict[str, Any], status: int
) -> None:
    """Apple, "Creating a client secret": in the form and by HTTP Basic."""
    provider = client.provider
    provider.secret_keys, provider.secret_issuer = [SIGNING.jwk()], "a team"
    secret = made_secret(provider, **change)
    form = {"client_id": provider.client_id, "client_secret": secret}
    assert await redeemed(client, headers={}, form=form) == status
    assert await redeemed(client, headers=client.basic(secret)) == status
    assert await redeemed(client) == 401, "the one that was given out is none"


async def test_the_first_consent_alone_posts_a_name(client: SimpleClient) -> None:
    client.provider.posted_user = '{"name": {"firstName": "Ada"}}'
    assert "user" not in dict((await client.authorize()).parameters)
    posted = [dict((await client.authorize(response_mode="form_post")).parameters) for _ in range(2)]
    assert [one.get("user") for one in posted] == ['{"name": {"firstName": "Ada"}}', None]
    client.provider.person = {"sub": "person-2"}
    assert (await client.authorize(response_mode="form_post"))["user"]


async def test_two_ways_at_once_are_one_too_many(client: SimpleClient) -> None:
    assert await redeemed(client, form={"client_secret": client.provider.client_secret}) == 401


@pytest.mark.parametrize("method", ["tls_client_auth", "self_signed_tls_client_auth"])
async def test_mutual_tls(session: aiohttp.ClientSession, method: str) -> None:
    mine = client_certificate("client", self_signed=method.startswith("self"))
    another = client_certificate("another")
    async with MisbehavingProvider(authentication=method, mtls=True, only_mtls_aliases=True) as provider:
        provider.trust_certificate(mine)
        client = SimpleClient(provider, session)
        document = (await client.ask("GET", "/.well-known/openid-configuration")).document()
        assert "token_endpoint" not in document
        url = document["mtls_endpoint_aliases"]["token_endpoint"]
        form = {"client_id": provider.client_id}

        async def by(certified: Certified | None) -> Any:
            code = (await client.authorize())["code"]
            return await client.redeem(code, headers={}, form=form, url=url, ssl=client_context(certified))

        assert [(await by(one)).status for one in (None, another)] == [401, 401]
        token = (await by(mine)).document()["access_token"]
        assert (await client.userinfo(token)).status == 401, "it is bound to the certificate"
        bearer = {"Authorization": f"Bearer {token}"}
        told = await client.ask(
            "GET", f"{provider.mtls_issuer}/userinfo", headers=bearer, ssl=client_context(mine)
        )  # fmt: skip
        assert told.document()["sub"] == "person-1"


async def test_https(session: aiohttp.ClientSession) -> None:
    async with MisbehavingProvider(https=True) as provider:
        assert provider.issuer.startswith("https://")
        client = SimpleClient(provider, session)
        seen = await client.ask("GET", "/.well-known/openid-configuration", ssl=client_context())
        assert seen.document()["issuer"] == provider.issuer
        assert (await client.ask("GET", "/jwks")).status == 0, "nobody else trusts it"


# DPoP


async def test_dpop_binds_code_and_token(client: SimpleClient) -> None:
    provider = client.provider
    url = f"{provider.issuer}/token"
    provider.dpop_required = True
    assert await redeemed(client) == 400
    seen = await client.redeem(
        (await client.authorize())["code"], headers={**client.basic(), "DPoP": client.proof("POST", url)}
    )
    token = seen.document()["access_token"]
    assert seen.document()["token_type"] == "DPoP"
    place = f"{provider.issuer}/userinfo"
    assert (await client.userinfo(token)).status == 401
    assert (await client.userinfo(token, "DPoP")).status == 400
    good = client.proof("GET", place, access_token=token)
    assert (await client.userinfo(token, "dpop", DPoP=good)).status == 200
    assert (await client.userinfo(token, "DPoP", DPoP=good)).status == 400, "a proof is used once"
    for changes in ({"htm": "POST"}, {"htu": url}, {"iat": 1}, {"ath": "other"}):
        bad = client.proof("GET", place, **{"access_token": token, **changes})
        if "ath" in changes:
            bad = client.proof("GET", place, ath="other")
        assert (await client.userinfo(token, "DPoP", DPoP=bad)).status == 400


async def test_a_code_can_be_bound_by_a_pushed_request(client: SimpleClient) -> None:
    issuer = client.provider.issuer
    headers = {**client.basic(), "DPoP": client.proof("POST", f"{issuer}/par")}
    pushed = await client.ask("POST", "/par", data=client.asked(), headers=headers)
    short = {"client_id": client.provider.client_id, "request_uri": pushed.document()["request_uri"]}
    back: Returned = await client.follow(short)
    assert (await client.redeem(back["code"])).status == 400


async def test_each_call_is_recorded_with_its_body(client: SimpleClient) -> None:
    await client.ask("POST", "/register", json={"redirect_uris": [REDIRECT_URI]})
    [call] = client.provider.calls("/register")
    assert json.loads(call.body) == {"redirect_uris": [REDIRECT_URI]}
