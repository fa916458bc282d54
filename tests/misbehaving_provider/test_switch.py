"""Each name of the switch changes what a client sees, where it says so; and without it nothing changes from one run to
the next. What is seen is told without what is random: ports, codes, times."""

import json
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature, InvalidTag

from tests.misbehaving_provider import EVERY_MISBEHAVIOUR, MISBEHAVIOURS, Encryption, MisbehavingProvider
from tests.misbehaving_provider.answers import ANSWERS
from tests.misbehaving_provider.keys import Claims, decoded, half_hash, verify, verify_with_set
from tests.misbehaving_provider.logout import logout_token
from tests.misbehaving_provider.simple_client import (
    CLIENT_JWKS,
    REDIRECT_URI,
    Seen,
    SimpleClient,
    opened,
    session_without_limits,
)
from tests.misbehaving_provider.userinfo import SOURCE_KEY

RANDOM = re.compile(r"[A-Za-z0-9_-]{11,}(\.[0-9a-f]+)?")
TOKEN = re.compile(r"[\w-]+\.[\w-]+\.[\w-]*")
Sight = Any
"""What was seen, as lists, dictionaries and words that two runs have alike."""


def plain(value: Any, issuer: str) -> Sight:
    """Without what is random."""
    if isinstance(value, dict):
        return {name: plain(inner, issuer) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner, issuer) for inner in value]
    if isinstance(value, str):
        text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1", value)
        if TOKEN.fullmatch(text):
            return "a token"
        return RANDOM.sub(lambda found: f"<{len(found[0])}>", text)
    if isinstance(value, int | float) and 1_000_000_000 < value < 10_000_000_000:
        return f"{round((value - time.time()) / 100)} hundred seconds from now"
    return value


def seen(answer: Seen, issuer: str) -> Sight:
    """An answer: its status, its type, where it leads, its body."""
    told = {name: value for name, value in answer.headers.items() if name in ("location", "www-authenticate")}
    return [answer.status, answer.media_type, len(answer.headers), plain(told, issuer), body(answer.body, issuer)]


def body(raw: bytes, issuer: str) -> Sight:
    text = raw.decode(errors="replace")
    try:
        return plain(json.loads(text, object_pairs_hook=list), issuer)
    except (ValueError, RecursionError):
        return plain(text, issuer)[:2000]


def token(text: str, keys: list[Claims], issuer: str, **values: str) -> Sight:
    """A signed token: its header, its claims in their order, whether signature and hashes are right."""
    try:
        header, payload, _ = text.split(".")
        read = json.loads(decoded(header))
        claims = json.loads(decoded(payload), object_pairs_hook=list)
    except ValueError:
        return ["unreadable", plain(text, issuer)]
    if isinstance(claims, list) and all(len(pair) == 2 for pair in claims):
        claims = [[name, _right(name, value, values)] for name, value in claims]
    return [plain(read, issuer), plain(claims, issuer), _good(text, keys), text.count("=")]


def _right(name: str, value: Any, values: dict[str, str]) -> Any:
    """A hash is right or wrong; any other value is itself."""
    return value == half_hash("RS256", values[name]) if name in values else value


def _good(text: str, keys: list[Claims]) -> str:
    try:
        if text.endswith("=="):
            return "padded"
        verify_with_set(text, [key for key in keys if isinstance(key, dict)])
        for key in keys:
            if isinstance(key, dict) and key.get("alg") == "RS256":
                verify(text, key, "RS256")
                return "good"
    except (InvalidSignature, KeyError, ValueError, TypeError):
        return "bad"
    return "by another algorithm"


# What a client does, and sees of it

HYBRID = {"response_type": "code id_token token", "max_age": "100", "acr_values": "high"}


async def sign_in(client: SimpleClient) -> Sight:
    """Hybrid, so that each hash is in the ID token; then the token endpoint, and the keys."""
    issuer = client.provider.issuer
    back = await client.authorize(**HYBRID)
    values = dict(back.parameters)
    keys = await client.ask("GET", "/jwks")
    sight = [back.mode, plain(back.parameters, issuer), seen(keys, issuer)]
    read = _keys(keys)
    hashes = {"at_hash": "access_token", "c_hash": "code", "s_hash": "state"}
    known = {name: values.get(value, "") for name, value in hashes.items()}
    sight.append(token(values.get("id_token", ""), read, issuer, **known))
    if "code" in values:
        sight.append(seen(await client.redeem(values["code"]), issuer))
    return sight


def _keys(answer: Seen) -> list[Claims]:
    try:
        keys = answer.document()["keys"]
    except (ValueError, KeyError, AssertionError):
        return []
    return keys if isinstance(keys, list) else []


async def response_as_jwt(client: SimpleClient) -> Sight:
    back = await client.authorize(response_mode="query.jwt")
    values = dict(back.parameters)
    return [
        plain(back.parameters, ""), token(values.get("response", ""), client.provider.public_keys(), "")
    ]  # fmt: skip


async def access_token(client: SimpleClient) -> Sight:
    client.provider.jwt_access_tokens = True
    client.provider.resource = "https://api.example"
    made = (await client.tokens())["access_token"]
    return token(made, client.provider.public_keys(), client.provider.issuer)


async def refreshed(client: SimpleClient) -> Sight:
    client.provider.refresh_tokens = True
    first = await client.tokens(max_age="100")
    answer = await client.refresh(first["refresh_token"])
    id_token = answer.document().get("id_token", "")
    sight = token(id_token, client.provider.public_keys(), "", at_hash=answer.document()["access_token"])
    return [seen(answer, client.provider.issuer), sight]


async def redeemed(client: SimpleClient) -> Sight:
    made = (await client.tokens())["id_token"]
    return token(made, client.provider.public_keys(), client.provider.issuer)


async def signed_userinfo(client: SimpleClient) -> Sight:
    client.provider.userinfo_algorithm = "RS256"
    answer = await client.userinfo((await client.tokens())["access_token"])
    return [answer.media_type, token(answer.body.decode(), client.provider.public_keys(), ""), body(answer.body, "")]


async def plain_userinfo(client: SimpleClient) -> Sight:
    return seen(await client.userinfo((await client.tokens())["access_token"]), client.provider.issuer)


async def claims_of_others(client: SimpleClient) -> Sight:
    client.provider.aggregated = {"phone_number": "+32470998877"}
    client.provider.distributed = {"credit_score": 650}
    told = (await client.userinfo((await client.tokens())["access_token"])).document()
    sight = [plain(told, "")]
    sources = told.get("_claim_sources", {})
    if "aggregated" in sources:
        sight.append(token(sources["aggregated"]["JWT"], [SOURCE_KEY.jwk()], ""))
    if "127.0.0.1" in str(sources.get("distributed")):
        headers = {"Authorization": f"Bearer {sources['distributed']['access_token']}"}
        answer = await client.ask("GET", sources["distributed"]["endpoint"], headers=headers)
        sight += [seen(answer, ""), token(answer.body.decode(errors="replace"), [SOURCE_KEY.jwk()], "")]
    return sight


async def told_to_log_out(client: SimpleClient) -> Sight:
    provider = client.provider
    made = [logout_token(provider, sub="person-1", sid="session-1", client_id=provider.client_id) for _ in range(2)]
    return [token(made[0], provider.public_keys(), provider.issuer), made[0] == made[1], _same_id(made)]


def _same_id(made: list[str]) -> bool:
    try:
        first, second = (json.loads(decoded(one.split(".")[1])) for one in made)
        return bool(first["jti"] == second["jti"])
    except (ValueError, KeyError, IndexError, TypeError):
        return False


async def log_out(client: SimpleClient) -> Sight:
    hint = (await client.tokens())["id_token"]
    form = {"id_token_hint": hint, "post_logout_redirect_uri": REDIRECT_URI, "state": "state-2"}
    return seen(await client.ask("POST", "/end_session", data=form), client.provider.issuer)


async def watch(client: SimpleClient) -> Sight:
    return seen(await client.ask("GET", "/check_session"), client.provider.issuer)


async def register(client: SimpleClient) -> Sight:
    told = {"redirect_uris": [REDIRECT_URI], "contacts": ["a@entracte.example"], "client_name": "a"}
    return seen(await client.ask("POST", "/register", json=told), client.provider.issuer)


async def discover(client: SimpleClient) -> Sight:
    return seen(await client.ask("GET", "/.well-known/openid-configuration"), client.provider.issuer)


async def find(client: SimpleClient) -> Sight:
    return seen(await client.ask("GET", "/.well-known/webfinger?resource=acct:a@b.example"), client.provider.issuer)


async def push(client: SimpleClient) -> Sight:
    return seen(await client.ask("POST", "/par", data=client.asked(), headers=client.basic()), "")


async def introspect(client: SimpleClient) -> Sight:
    data = {"token": (await client.tokens())["access_token"]}
    return seen(await client.ask("POST", "/introspect", data=data, headers=client.basic()), client.provider.issuer)


async def revoke(client: SimpleClient) -> Sight:
    data = {"token": (await client.tokens())["access_token"]}
    return seen(await client.ask("POST", "/revoke", data=data, headers=client.basic()), client.provider.issuer)


async def prove(client: SimpleClient) -> Sight:
    """DPoP at the token endpoint and at UserInfo, each once more with the nonce that came."""
    provider, sight, nonce = client.provider, [], ""
    provider.dpop_nonce = True
    url = f"{provider.issuer}/token"
    for _ in range(2):
        code = (await client.authorize())["code"]
        headers = {**client.basic(), "DPoP": client.proof("POST", url, nonce=nonce)}
        answer = await client.redeem(code, headers=headers)
        nonce = answer.headers.get("dpop-nonce", "")
        sight.append([seen(answer, provider.issuer), len(nonce)])
    made, nonce = await _bound(client), ""
    for _ in range(2):
        proof = client.proof("GET", f"{provider.issuer}/userinfo", nonce=nonce, access_token=made)
        answer = await client.userinfo(made, "DPoP", DPoP=proof)
        nonce = answer.headers.get("dpop-nonce", "")
        sight.append([seen(answer, provider.issuer), len(nonce)])
    return sight


async def _bound(client: SimpleClient) -> str:
    """An access token that is bound to the key, whatever the switch says meanwhile."""
    provider, name = client.provider, client.provider.misbehaviour
    provider.misbehaviour, provider.dpop_nonce = "", False
    proof = client.proof("POST", f"{provider.issuer}/token")
    answer = await client.redeem((await client.authorize())["code"], headers={**client.basic(), "DPoP": proof})
    provider.misbehaviour, provider.dpop_nonce = name, True
    return str(answer.document()["access_token"])


async def encrypted(client: SimpleClient) -> Sight:
    client.provider.client_jwks = CLIENT_JWKS
    client.provider.id_token_encryption = Encryption("RSA-OAEP", "A256GCM")
    made = str((await client.tokens())["id_token"])
    try:
        header = json.loads(decoded(made.partition(".")[0]))
        inside = opened(made)
    except (ValueError, InvalidTag, KeyError, IndexError) as error:
        return [made.count("."), plain(header, ""), type(error).__name__]
    return [plain(header, ""), body(inside.encode(errors="replace"), "") if len(inside) < 5000 else "huge"]


Scenario = Callable[[SimpleClient], Awaitable[Sight]]

OF_THEIR_OWN: dict[str, Scenario] = {
    "callback_plain": response_as_jwt,
    "callback_double_response": response_as_jwt,
    "callback_code_beside_response": response_as_jwt,
    "token_type_downgraded": prove,
    "userinfo_plain": signed_userinfo,
    **{f"userinfo_{kind}": plain_userinfo for kind in ANSWERS},
}
BY_BEGINNING: dict[str, Scenario] = {
    "jarm_": response_as_jwt,
    "access_token_": access_token,
    "redeemed_": redeemed,
    "refresh": refreshed,
    "userinfo_": signed_userinfo,
    "source_": claims_of_others,
    "logout_": told_to_log_out,
    "end_session_": log_out,
    "check_session_": watch,
    "registration_": register,
    "discovery_": discover,
    "webfinger_": find,
    "par_": push,
    "introspection_": introspect,
    "revocation_": revoke,
    "dpop_": prove,
    "encrypted_": encrypted,
}


def scenario_of(name: str) -> Scenario:
    found = (scenario for beginning, scenario in BY_BEGINNING.items() if name.startswith(beginning))
    return OF_THEIR_OWN.get(name) or next(found, sign_in)


async def look(scenario: Scenario, misbehaviour: str = "") -> Sight:
    async with MisbehavingProvider() as provider, session_without_limits() as session:
        provider.misbehaviour = misbehaviour
        return await scenario(SimpleClient(provider, session))


WELL: dict[Scenario, Sight] = {}
"""What is seen while the switch is off: once for each thing that a client does."""


def _name_of(scenario: object) -> str:
    return str(getattr(scenario, "__name__", scenario))


@pytest.mark.parametrize(
    "scenario",
    sorted({scenario_of(name) for name in EVERY_MISBEHAVIOUR}, key=_name_of),
    ids=_name_of,
)
async def test_without_the_switch_two_runs_look_alike(scenario: Scenario) -> None:
    assert await look(scenario) == await look(scenario)


@pytest.mark.parametrize("name", sorted(EVERY_MISBEHAVIOUR))
async def test_each_name_changes_what_is_seen(name: str) -> None:
    scenario = scenario_of(name)
    if scenario not in WELL:
        WELL[scenario] = await look(scenario)
    assert await look(scenario, name) != WELL[scenario]


def test_an_unknown_name_is_a_mistake_of_the_test() -> None:
    provider = MisbehavingProvider()
    with pytest.raises(ValueError, match="wrong_isss"):
        provider.misbehaviour = "wrong_isss"
    assert MISBEHAVIOURS < EVERY_MISBEHAVIOUR
    assert len(EVERY_MISBEHAVIOUR) > 600
