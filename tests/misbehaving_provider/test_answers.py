"""While nothing goes wrong: what the provider signs, encrypts and tells, and what becomes of tokens."""

import json
import zlib
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from aiohttp import web

from tests.misbehaving_provider import Encryption, MisbehavingProvider
from tests.misbehaving_provider.keys import Claims, parts, verify, verify_mac
from tests.misbehaving_provider.logout import front_channel_address
from tests.misbehaving_provider.signatures import SMALL
from tests.misbehaving_provider.simple_client import CLIENT_JWKS, REDIRECT_URI, SimpleClient, opened, opened_bytes
from tests.misbehaving_provider.userinfo import SOURCE_KEY

ALGORITHMS = [f"{family}{size}" for family in ("RS", "PS", "ES") for size in (256, 384, 512)] + ["EdDSA", "Ed25519"]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_signatures(client: SimpleClient, algorithm: str) -> None:
    client.provider.algorithm = algorithm
    back = await client.authorize(response_type="code id_token", response_mode="fragment.jwt")
    [key] = (await client.ask("GET", "/jwks")).document()["keys"]
    assert key["alg"] == algorithm
    verify(back["response"], key, algorithm)
    values = parts(back["response"])[1]
    verify(values["id_token"], key, algorithm)
    verify((await client.redeem(values["code"])).document()["id_token"], key, algorithm)


async def test_a_mac_with_the_secret(client: SimpleClient) -> None:
    client.provider.algorithm = "HS256"
    verify_mac((await client.tokens())["id_token"], client.provider.client_secret)
    assert (await client.ask("GET", "/jwks")).document() == {"keys": []}


def test_a_small_key_is_small() -> None:
    assert len(SMALL.jwk()["n"]) < 180


@pytest.mark.parametrize("enc", ["A128GCM", "A192GCM", "A256GCM", "A128CBC-HS256", "A192CBC-HS384", "A256CBC-HS512"])
@pytest.mark.parametrize(
    "alg", ["RSA-OAEP", "RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A192KW", "ECDH-ES+A256KW"]
)
async def test_encrypted_id_tokens(client: SimpleClient, alg: str, enc: str) -> None:
    client.provider.id_token_encryption = Encryption(alg, enc)
    token = (await client.tokens())["id_token"]
    assert token.count(".") == 4
    [key] = client.provider.public_keys()
    verify(opened(token), key)


@pytest.mark.parametrize("enc", ["A128GCM", "A256GCM", "A128CBC-HS256"])
async def test_encrypted_with_the_secret(client: SimpleClient, enc: str) -> None:
    client.provider.id_token_encryption = Encryption("dir", enc)
    token = (await client.tokens())["id_token"]
    assert parts(opened(token, client.provider.client_secret))[1]["sub"] == "person-1"


async def test_encrypted_responses_and_userinfo(client: SimpleClient) -> None:
    provider = client.provider
    provider.response_encryption = provider.userinfo_encryption = Encryption("ECDH-ES", "A256GCM")
    provider.userinfo_algorithm, provider.response_algorithm = "PS256", "ES256"
    back = await client.authorize(response_mode="jwt")
    values = parts(opened(back["response"]))
    assert values[0]["alg"] == "ES256"
    tokens = (await client.redeem(values[1]["code"])).document()
    seen = await client.userinfo(tokens["access_token"])
    assert seen.media_type == "application/jwt"
    header, claims = parts(opened(seen.body.decode()))
    assert (header["alg"], claims["iss"], claims["aud"]) == ("PS256", provider.issuer, provider.client_id)
    keys = (await client.ask("GET", "/jwks")).document()["keys"]
    assert {key["alg"] for key in keys} == {"RS256", "PS256", "ES256"}
    assert len({key["kid"] for key in keys}) == 3


# Tokens


async def test_refresh_tokens_rotate_and_a_replay_ends_all(client: SimpleClient) -> None:
    client.provider.refresh_tokens = True
    first = await client.tokens(max_age="60")
    second = (await client.refresh(first["refresh_token"])).document()
    claims = [parts(tokens["id_token"])[1] for tokens in (first, second)]
    assert [one["sub"] for one in claims] == ["person-1"] * 2
    assert ("nonce" in claims[0], "nonce" in claims[1]) == (True, False)
    assert second["refresh_token"] != first["refresh_token"]
    assert (await client.userinfo(second["access_token"])).status == 200
    assert (await client.refresh(first["refresh_token"])).status == 400
    assert (await client.refresh(second["refresh_token"])).status == 400
    assert (await client.userinfo(second["access_token"])).status == 401


async def test_refresh_without_rotation_and_after_expiry(client: SimpleClient) -> None:
    client.provider.rotate = False
    first = await client.tokens(scope="openid offline_access")
    client.provider.expire_access_tokens()
    assert (await client.userinfo(first["access_token"])).status == 401
    for _ in range(2):
        again = (await client.refresh(first["refresh_token"])).document()
        assert "refresh_token" not in again
        assert (await client.userinfo(again["access_token"])).status == 200


async def test_introspection_and_revocation(client: SimpleClient) -> None:
    client.provider.refresh_tokens = True
    tokens = await client.tokens()

    async def active(token: str) -> Any:
        seen = await client.ask("POST", "/introspect", data={"token": token}, headers=client.basic())
        return seen.document()["active"]

    assert await active(tokens["access_token"])
    assert not await active("other")
    assert (await client.ask("POST", "/introspect", data={"token": "other"})).status == 401
    for name in ("other", tokens["refresh_token"]):
        assert (await client.ask("POST", "/revoke", data={"token": name}, headers=client.basic())).status == 200
    assert not await active(tokens["access_token"])
    assert (await client.refresh(tokens["refresh_token"])).status == 400


async def test_access_tokens_as_jwts(client: SimpleClient) -> None:
    client.provider.jwt_access_tokens, client.provider.resource = True, "https://api.example"
    header, claims = parts((await client.tokens())["access_token"])
    assert (header["typ"], claims["aud"], claims["client_id"]) == (
        "at+jwt", "https://api.example", client.provider.client_id
    )  # fmt: skip


# The person


async def test_userinfo_by_scope_and_by_one_way(client: SimpleClient) -> None:
    provider = client.provider
    provider.claims_by_scope = True
    tokens = await client.tokens(scope="openid email")
    assert (await client.userinfo(tokens["access_token"])).document().keys() == {"sub", "email", "email_verified"}
    body: dict[str, Any] = {"data": {"access_token": tokens["access_token"]}}
    for wanted, in_header, in_body in (("", 200, 200), ("header", 200, 401), ("body", 401, 200)):
        provider.userinfo_bearer = wanted
        assert (await client.userinfo(tokens["access_token"])).status == in_header
        assert (await client.ask("POST", "/userinfo", **body)).status == in_body


async def test_claims_of_other_sources(client: SimpleClient) -> None:
    provider = client.provider
    provider.aggregated, provider.distributed = {"phone_number": "+32470998877"}, {"credit_score": 650}
    told = (await client.userinfo((await client.tokens())["access_token"])).document()
    assert told["_claim_names"] == {"phone_number": "aggregated", "credit_score": "distributed"}
    sources = told["_claim_sources"]
    assert not sources["distributed"]["endpoint"].startswith(provider.issuer)
    bearer = {"Authorization": f"Bearer {sources['distributed']['access_token']}"}
    seen = await client.ask("GET", sources["distributed"]["endpoint"], headers=bearer)
    assert (await client.ask("GET", sources["distributed"]["endpoint"])).status == 401
    for token, name in ((sources["aggregated"]["JWT"], "phone_number"), (seen.body.decode(), "credit_score")):
        verify(token, SOURCE_KEY.jwk())
        assert parts(token)[1]["iss"] == provider.source_issuer
        assert name in parts(token)[1]
    configuration = await client.ask("GET", f"{provider.source_issuer}/.well-known/openid-configuration")
    assert configuration.document()["issuer"] == provider.source_issuer
    keys = await client.ask("GET", configuration.document()["jwks_uri"])
    assert keys.document()["keys"] == [SOURCE_KEY.jwk()]


async def test_time_and_strength_of_the_login(client: SimpleClient) -> None:
    client.provider.auth_time = 1_700_000_000
    claims = parts((await client.tokens(max_age="60", acr_values="high low"))["id_token"])[1]
    assert (claims["auth_time"], claims["acr"]) == (1_700_000_000, "high")
    assert not {"auth_time", "acr"} & set(parts((await client.tokens())["id_token"])[1])


async def test_only_one_of_two_id_tokens_goes_wrong(client: SimpleClient) -> None:
    client.provider.misbehaviour, client.provider.misbehaves_at = "wrong_aud", "token"
    back = await client.authorize(response_type="code id_token")
    later = (await client.redeem(back["code"])).document()["id_token"]
    assert [parts(token)[1]["aud"] for token in (back["id_token"], later)] == [
        client.provider.client_id, "another-client"
    ]  # fmt: skip


async def test_only_one_of_two_token_responses_goes_wrong(client: SimpleClient) -> None:
    client.provider.misbehaviour, client.provider.misbehaves_at = "token_type_mac", "refresh"
    client.provider.refresh_tokens = True
    first = await client.tokens()
    later = (await client.refresh(first["refresh_token"])).document()
    assert (first["token_type"], later["token_type"]) == ("Bearer", "mac")


# What is published


async def test_what_is_announced(client: SimpleClient) -> None:
    provider = client.provider
    url = "/.well-known/openid-configuration"
    plain = (await client.ask("GET", url)).document()
    assert "registration_endpoint" not in plain
    provider.announces, provider.jwks_path = True, "/jwks/nobody-guesses-this"
    provider.metadata = {"scopes_supported": ["openid"]}
    told = (await client.ask("GET", url)).document()
    assert told == (await client.ask("GET", "/.well-known/oauth-authorization-server")).document()
    assert told["scopes_supported"] == ["openid"]
    assert (await client.ask("GET", told["jwks_uri"])).document()["keys"]
    assert (await client.ask("GET", "/jwks")).status == 404
    places = [value.removeprefix(provider.issuer) for name, value in told.items() if name.endswith("_endpoint")]
    for path in places:
        assert (await client.ask("OPTIONS", path)).status != 404


async def test_webfinger(client: SimpleClient) -> None:
    path = "/.well-known/webfinger?resource=acct:ada@northwind.example"
    told = (await client.ask("GET", path)).document()
    assert told["subject"] == "acct:ada@northwind.example"
    assert told["links"][0]["href"] == client.provider.issuer


async def test_registration_and_its_management(client: SimpleClient) -> None:
    provider = client.provider
    provider.initial_access_token = "let me in"
    told: Claims = {"redirect_uris": [REDIRECT_URI], "token_endpoint_auth_method": "client_secret_post"}
    assert (await client.ask("POST", "/register", json=told)).status == 401
    bearer = {"Authorization": "Bearer let me in"}
    assert (await client.ask("POST", "/register", json={}, headers=bearer)).status == 400
    made = await client.ask("POST", "/register", json=told, headers=bearer)
    assert made.status == 201
    registered = made.document()
    place, own = registered["registration_client_uri"], registered["registration_access_token"]
    back = await client.authorize(client_id=registered["client_id"])
    form = {"client_id": registered["client_id"], "client_secret": registered["client_secret"]}
    assert (await client.redeem(back["code"], headers={}, form=form)).status == 200
    assert (await client.ask("GET", place)).status == 401
    bearer = {"Authorization": f"Bearer {own}"}
    assert (await client.ask("GET", place, headers=bearer)).document()["redirect_uris"] == [REDIRECT_URI]
    changed = {**told, "client_id": registered["client_id"], "redirect_uris": ["https://a.example/callback"]}
    answer = (await client.ask("PUT", place, json=changed, headers=bearer)).document()
    assert answer["redirect_uris"] == ["https://a.example/callback"]
    bearer = {"Authorization": f"Bearer {answer['registration_access_token']}"}
    assert (await client.ask("DELETE", place, headers=bearer)).status == 204
    assert (await client.ask("GET", place, headers=bearer)).status == 401


# The end of a session


async def test_logging_out(client: SimpleClient) -> None:
    provider = client.provider
    hint = (await client.tokens())["id_token"]
    provider.rotate_key()
    form = {"id_token_hint": hint, "post_logout_redirect_uri": REDIRECT_URI, "state": "state-2"}
    seen = await client.ask("POST", "/end_session", data=form)
    assert seen.headers["location"] == f"{REDIRECT_URI}?state=state-2"
    assert (await client.ask("POST", "/end_session", data={**form, "id_token_hint": hint[:-4] + "AAAA"})).status == 400
    provider.client_metadata = {"post_logout_redirect_uris": ["https://a.example/"]}
    assert (await client.ask("POST", "/end_session", data=form)).status == 400
    provider.sid, provider.front_channel_logout_uri = "session-1", "https://play.example/logout"
    form["post_logout_redirect_uri"] = "https://a.example/"
    page = (await client.ask("POST", "/end_session", data=form)).body.decode()
    assert '<iframe src="https://play.example/logout?iss=' in page
    assert ("sid", "session-1") in parse_qsl(urlsplit(front_channel_address(provider)).query)


async def test_a_logout_token_is_sent(provider: MisbehavingProvider) -> None:
    came: list[str] = []

    async def take(request: web.Request) -> web.Response:
        came.append(str((await request.post())["logout_token"]))
        return web.Response(status=204)

    app = web.Application()
    app.router.add_post("/logout", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        address = f"http://127.0.0.1:{runner.addresses[0][1]}/logout"
        assert await provider.send_logout_token(address, sub="person-1", sid="session-1") == 204
    finally:
        await runner.cleanup()
    header, claims = parts(came[0])
    [key] = provider.public_keys()
    verify(came[0], key)
    assert header["typ"] == "logout+jwt"
    assert claims.keys() == {"iss", "aud", "iat", "exp", "jti", "events", "sub", "sid"}
    assert claims["aud"] == provider.client_id


async def test_the_session_is_watched(client: SimpleClient) -> None:
    client.provider.session_management = True
    state = (await client.authorize())["session_state"]
    assert len(state.partition(".")[0]) == 64
    page = (await client.ask("GET", "/check_session")).body
    client.provider.session_changed = True
    assert (await client.ask("GET", "/check_session")).body != page


def test_the_keys_of_the_client_are_whole() -> None:
    assert json.loads(json.dumps(CLIENT_JWKS)) == CLIENT_JWKS


async def test_the_bomb_is_small_and_inflates(client: SimpleClient) -> None:
    client.provider.id_token_encryption = Encryption("RSA-OAEP", "A256GCM")
    client.provider.misbehaviour = "encrypted_zip_bomb"
    token = (await client.tokens())["id_token"]
    assert len(token) < 64 * 1024
    inflated = zlib.decompress(opened_bytes(token), -15)
    assert len(inflated) > 40_000_000
    assert parts(inflated.decode().strip())[1]["sub"] == "person-1"
