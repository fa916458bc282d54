"""A whole sign-in at a real server that misbehaves by a switch: what is refused, for which reason, and that no further
endpoint is called after it. The requests go through the real fetcher on real sockets."""

from dataclasses import replace
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import aiohttp
import pytest

from entracte.connections.client_secrets import seal_secret
from entracte.connections.model import Connection
from entracte.connections.providers import Providers
from entracte.connections.sign_in import begin, person_hash
from entracte.protocol.errors import Reason, Refused
from entracte.protocol.state import StateContent
from entracte.values import AttemptNumber, CampaignNumber, ParticipationId, Secret, now
from tests.connections.relying import KEYS, PERSON_KEY, REDIRECT_URI, Relying
from tests.misbehaving_provider import MisbehavingProvider


def paths(provider: MisbehavingProvider) -> list[str]:
    return [call.path for call in provider.requests]


async def test_b1_everything_right(relying: Relying) -> None:
    """B1, B8, B14: code, token, keys, claims; the client proved itself by HTTP Basic."""
    signed_in = await relying.sign_in(relying.connection())
    assert signed_in.mapped.attributes["email"] == "ada@northwind.example"
    assert "email" in signed_in.mapped.verified
    assert signed_in.person == person_hash(PERSON_KEY, relying.provider.issuer, "person-1")
    assert paths(relying.provider) == ["/authorize", "/token", "/jwks"]
    [token_call] = relying.provider.calls("/token")
    assert token_call.headers["authorization"].startswith("Basic ")


async def test_client_secret_post(relying: Relying) -> None:
    await relying.sign_in(relying.connection(authentication="client_secret_post"))
    [token_call] = relying.provider.calls("/token")
    assert "authorization" not in token_call.headers
    assert token_call.form["client_id"] == relying.provider.client_id


@pytest.mark.conformance("MUST 5", "MUST 6")
async def test_pkce_s256_and_nonce_are_sent(relying: Relying) -> None:
    """MUST 5, MUST 6."""
    connection = relying.connection(extra_parameters={"acr_values": "high"})
    content = StateContent(CampaignNumber(3), connection.number, ParticipationId(uuid4()), AttemptNumber(9), now())
    server = relying.server(connection)
    begun = await begin(server, content, redirect_uri=REDIRECT_URI, language="fr", another_account=True)
    query = parse_qs(urlsplit(begun.url).query)
    assert query["code_challenge_method"] == ["S256"]
    assert len(query["code_challenge"][0]) == 43
    assert len(query["nonce"][0]) == 22
    assert len(query["state"][0]) == 64
    assert query["prompt"] == ["login"]
    assert query["acr_values"] == ["high"]
    assert query["ui_locales"] == ["fr"]
    assert query["redirect_uri"] == [REDIRECT_URI]


AFTER_CALLBACK: dict[str, Reason] = {
    "callback_wrong_iss": Reason.ISSUER_MISMATCH,
    "callback_empty_iss": Reason.ISSUER_MISMATCH,
    "callback_missing_iss": Reason.ISSUER_MISSING,
    "callback_error": Reason.PROVIDER_ERROR,
    "callback_access_denied": Reason.ACCESS_DENIED,
    "callback_user_cancelled": Reason.ACCESS_DENIED,
    "callback_code_and_error": Reason.RESPONSE_MIXED,
    "callback_neither": Reason.RESPONSE_MIXED,
    "callback_double_code": Reason.PARAMETER_REPEATED,
}


@pytest.mark.conformance("MUST 7", "MUST 10", "MUST 11", "BAD 39", "BAD 40")
@pytest.mark.parametrize("misbehaviour", AFTER_CALLBACK)
async def test_no_endpoint_is_called_after_a_wrong_response(relying: Relying, misbehaviour: str) -> None:
    """MUST 7, MUST 10, MUST 11; BAD 39, BAD 40."""
    relying.provider.misbehaviour = misbehaviour
    with pytest.raises(Refused) as refused:
        await relying.sign_in(relying.connection())
    assert refused.value.reason is AFTER_CALLBACK[misbehaviour]
    assert paths(relying.provider) == ["/authorize"]


AT_TOKEN: dict[str, Reason] = {
    "no_id_token": Reason.ID_TOKEN_MISSING,
    "token_type_mac": Reason.TOKEN_TYPE,
    "token_huge": Reason.RESPONSE_TOO_LARGE,
    "token_bomb": Reason.RESPONSE_TOO_LARGE,
    "token_null_fields": Reason.RESPONSE_MALFORMED,
    "token_array": Reason.RESPONSE_MALFORMED,
    "token_400": Reason.TOKEN_REFUSED,
    "token_401": Reason.CLIENT_REFUSED,
    "token_500": Reason.PROVIDER_ERROR,
    "token_html": Reason.RESPONSE_MALFORMED,
    "token_not_json": Reason.RESPONSE_MALFORMED,
    "token_redirect": Reason.RESPONSE_REDIRECTED,
    "token_hangs": Reason.PROVIDER_TIMEOUT,
    "token_drips": Reason.PROVIDER_TIMEOUT,
    "token_resets": Reason.PROVIDER_UNREACHABLE,
}


@pytest.mark.conformance("MUST 39", "MUST 41", "MUST 43", "BAD 50")
@pytest.mark.parametrize("misbehaviour", AT_TOKEN)
async def test_a_wrong_token_answer_ends_it(relying: Relying, misbehaviour: str) -> None:
    """MUST 39, MUST 41, MUST 43; BAD 50: the code is sent once, and nothing is asked after the answer."""
    relying.provider.misbehaviour = misbehaviour
    with pytest.raises(Refused) as refused:
        await relying.sign_in(relying.connection())
    assert refused.value.reason is AT_TOKEN[misbehaviour]
    assert paths(relying.provider) == ["/authorize", "/token"]


IN_ID_TOKEN: dict[str, Reason] = {
    "wrong_iss": Reason.TOKEN_ISSUER,  # B2
    "missing_iss_claim": Reason.TOKEN_CLAIM,
    "wrong_aud": Reason.TOKEN_AUDIENCE,  # B4
    "extra_aud": Reason.TOKEN_AUDIENCE,
    "missing_aud": Reason.TOKEN_CLAIM,
    "wrong_azp": Reason.TOKEN_AUDIENCE,
    "wrong_nonce": Reason.TOKEN_NONCE,  # B12
    "missing_nonce": Reason.TOKEN_CLAIM,
    "expired": Reason.TOKEN_EXPIRED,
    "missing_exp": Reason.TOKEN_CLAIM,
    "missing_iat": Reason.TOKEN_CLAIM,  # B5
    "old_iat": Reason.TOKEN_TOO_OLD,
    "future_nbf": Reason.TOKEN_EXPIRED,
    "missing_sub": Reason.TOKEN_SUBJECT,  # B3
    "empty_sub": Reason.TOKEN_SUBJECT,
    "bad_signature": Reason.TOKEN_SIGNATURE,  # B10
    "alg_none": Reason.TOKEN_ALGORITHM,  # B9, BAD 9
    "hs256_public_key": Reason.TOKEN_ALGORITHM,  # BAD 11
    "crit_header": Reason.TOKEN_MALFORMED,  # BAD 10
    "jwk_header": Reason.TOKEN_KEY,  # BAD 8: the attacker's key stands in the header, and is looked for in the set
    "wrong_at_hash": Reason.TOKEN_HASH,
}


@pytest.mark.parametrize("misbehaviour", IN_ID_TOKEN)
async def test_an_id_token_that_is_not_ours_calls_no_userinfo(relying: Relying, misbehaviour: str) -> None:
    relying.provider.misbehaviour = misbehaviour
    with pytest.raises(Refused) as refused:
        await relying.sign_in(relying.connection(profile_source="userinfo"))
    assert refused.value.reason is IN_ID_TOKEN[misbehaviour]
    assert "/userinfo" not in paths(relying.provider)


async def test_b6_no_kid_and_one_key(relying: Relying) -> None:
    relying.provider.misbehaviour = "kid_absent"
    assert (await relying.sign_in(relying.connection())).mapped.attributes["email"]


async def test_a_broken_key_in_the_set_is_passed_over(relying: Relying) -> None:
    """`IgnoresUnparseableKeyInJwks`, BAD 50."""
    relying.provider.misbehaviour = "broken_key_in_jwks"
    assert (await relying.sign_in(relying.connection())).mapped.attributes["email"]


async def test_a_key_rotated_just_before_signing_is_fetched_once_more(relying: Relying) -> None:
    """signing-key-rotation-just-before-signing, MUST 44: right after our first look at the keys, in the same second."""
    clock = now()
    providers = Providers(relying.fetcher, lambda: clock)
    connection = relying.connection()
    await relying.sign_in(connection, providers)
    relying.provider.misbehaviour = "key_rotated"
    assert (await relying.sign_in(connection, providers)).mapped.attributes["email"]
    assert paths(relying.provider).count("/jwks") == 2


@pytest.mark.conformance("MUST 44")
async def test_an_unknown_kid_is_refused_after_one_refetch(relying: Relying) -> None:
    clock = now()
    providers = Providers(relying.fetcher, lambda: clock)
    connection = relying.connection()
    await relying.sign_in(connection, providers)
    relying.provider.misbehaviour = "unknown_kid"
    for _ in range(3):
        with pytest.raises(Refused) as refused:
            await relying.sign_in(connection, providers)
        assert refused.value.reason is Reason.TOKEN_KEY
    assert paths(relying.provider).count("/jwks") == 2  # the first fetch, and one refetch for three strange tokens


@pytest.mark.parametrize(
    ("misbehaviour", "reason"),
    [
        ("userinfo_other_sub", Reason.USERINFO_SUBJECT),  # B11
        ("userinfo_missing_sub", Reason.RESPONSE_MALFORMED),
        ("userinfo_401", Reason.USERINFO_REFUSED),
        ("userinfo_html", Reason.RESPONSE_MALFORMED),
    ],
)
async def test_userinfo_that_is_not_this_person(relying: Relying, misbehaviour: str, reason: Reason) -> None:
    relying.provider.misbehaviour = misbehaviour
    with pytest.raises(Refused) as refused:
        await relying.sign_in(relying.connection(profile_source="userinfo"))
    assert refused.value.reason is reason


async def test_the_profile_from_userinfo(relying: Relying) -> None:
    signed_in = await relying.sign_in(relying.connection(profile_source="userinfo"))
    assert signed_in.mapped.attributes["first_name"] == "Ada"
    assert paths(relying.provider)[-1] == "/userinfo"


@pytest.mark.parametrize(("method", "bearer"), [("GET", "header"), ("POST", "header"), ("POST", "form")])
async def test_the_profile_from_a_rest_api(relying: Relying, method: str, bearer: str) -> None:
    rest = {
        "url": f"{relying.provider.issuer}/api/person",
        "method": method,
        "bearer": bearer,
        "person": "data.people.0",
    }
    signed_in = await relying.sign_in(relying.connection(profile_source="rest", rest=rest))
    assert signed_in.mapped.attributes["email"] == "ada@northwind.example"
    assert relying.provider.requests[-1].method == method


async def test_plain_oauth_names_the_person_by_connection_and_subject(relying: Relying) -> None:
    """No issuer, no ID token: the subject comes from the source of the profile."""
    connection = relying.connection(
        issuer="", jwks_uri="", scopes=["profile"], issuer_in_response=False, profile_source="userinfo"
    )
    signed_in = await relying.sign_in(connection)
    assert signed_in.person == person_hash(PERSON_KEY, "connection 7", "person-1")


def with_two(relying: Relying, current: str, previous: str | None) -> Connection:
    """A connection that keeps these secrets; the server knows one of its own."""
    connection = relying.connection()
    return replace(
        connection,
        sealed_secret=seal_secret(Secret(current), connection.organization, KEYS),
        previous_sealed_secret=previous and seal_secret(Secret(previous), connection.organization, KEYS),
    )


async def test_a_server_that_knows_the_current_secret_is_asked_once(relying: Relying) -> None:
    await relying.sign_in(with_two(relying, relying.provider.client_secret, "an older one"))
    assert paths(relying.provider) == ["/authorize", "/token", "/jwks"]


@pytest.mark.conformance("MUST 42")
@pytest.mark.parametrize("misbehaviour", ["", "token_401"])
async def test_a_server_that_knows_the_previous_secret_is_asked_with_that(relying: Relying, misbehaviour: str) -> None:
    """RFC 6749 section 5.2, `invalid_client`: the code was not spent. One that refuses both is asked no third time."""
    connection = with_two(relying, "a newer one", relying.provider.client_secret)
    if misbehaviour:
        relying.provider.misbehaviour = misbehaviour
        with pytest.raises(Refused) as refused:
            await relying.sign_in(connection)
        assert refused.value.reason is Reason.CLIENT_REFUSED
        assert paths(relying.provider) == ["/authorize", "/token", "/token"]
        return
    assert (await relying.sign_in(connection)).mapped.attributes["email"] == "ada@northwind.example"
    assert paths(relying.provider) == ["/authorize", "/token", "/token", "/jwks"]
    first, second = relying.provider.calls("/token")
    assert first.form == second.form  # the same code and verifier, another client authentication
    assert first.headers["authorization"] != second.headers["authorization"]


async def test_without_a_previous_secret_a_refused_client_ends_it(relying: Relying) -> None:
    with pytest.raises(Refused) as refused:
        await relying.sign_in(with_two(relying, "a newer one", None))
    assert refused.value.reason is Reason.CLIENT_REFUSED
    assert paths(relying.provider) == ["/authorize", "/token"]


@pytest.mark.conformance("MUST 42")
@pytest.mark.parametrize(
    "misbehaviour",
    [
        "token_400", "token_500", "token_503", "token_hangs", "token_drips", "token_resets", "token_redirect",
        "token_html", "token_not_json", "token_empty", "token_error_with_200", "token_no_access_token",
        "token_type_mac",
    ],
)  # fmt: skip
async def test_any_other_refusal_is_not_asked_again(relying: Relying, misbehaviour: str) -> None:
    """The code may be spent."""
    relying.provider.misbehaviour = misbehaviour
    with pytest.raises(Refused):
        await relying.sign_in(with_two(relying, relying.provider.client_secret, "an older one"))
    assert paths(relying.provider) == ["/authorize", "/token"]


async def test_a_code_is_redeemed_once(relying: Relying) -> None:
    """The provider refuses the second redemption, and so do we."""
    connection = relying.connection()
    url = await relying.begin(connection)
    async with aiohttp.ClientSession() as browser, browser.get(url, allow_redirects=False) as answer:
        query = urlsplit(answer.headers["Location"]).query
    await relying.complete(connection, query)
    with pytest.raises(Refused) as refused:
        await relying.complete(connection, query)
    assert refused.value.reason is Reason.TOKEN_REFUSED


@pytest.mark.conformance("MUST 53", "BAD 19")
@pytest.mark.parametrize("misbehaviour", [*AFTER_CALLBACK, *AT_TOKEN, *IN_ID_TOKEN])
async def test_a_refusal_never_tells_a_secret(relying: Relying, misbehaviour: str) -> None:
    """MUST 53: neither the exception's text nor its evidence holds a code, a token, a state or a personal value."""
    if misbehaviour in ("token_hangs", "token_drips"):
        relying.provider.misbehaviour = "token_400"  # the same text without the wait
    else:
        relying.provider.misbehaviour = misbehaviour
    with pytest.raises(Refused) as refused:
        await relying.sign_in(relying.connection())
    told = f"{refused.value!s} {refused.value!r} {refused.value.evidence} {refused.value.__cause__!r}"
    for call in relying.provider.requests:
        for value in (*call.form.values(), *call.headers.values()):
            assert len(value) < 20 or value not in told
    assert "ada@northwind.example" not in told
    assert relying.provider.client_secret not in told
