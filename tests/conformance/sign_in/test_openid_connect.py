"""OpenID Connect, line by line: a whole sign-in at a provider that does what the line says. UserInfo would be asked for
the profile, so that a refusal shows that it was not."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from entracte.connections.configuration import configure
from entracte.connections.metadata import discover
from entracte.connections.model import Connection
from entracte.connections.providers import Providers
from entracte.protocol.errors import Reason, Refused
from entracte.values import now
from tests.conformance.sign_in.outcomes import EMAIL, accepted, case, refused, refused_at_once
from tests.connections.relying import Relying

HYBRID = "code id_token"
WITH_TOKEN = "code id_token token"
WHOLE = ["/token", "/userinfo"]


def by_userinfo(relying: Relying, **config: Any) -> Connection:
    return relying.connection(profile_source="userinfo", **config)


@pytest.mark.conformance("B1", "B8")
async def test_everything_right(relying: Relying) -> None:
    """UserInfo alone tells of the person."""
    relying.provider.thin_id_tokens = True
    assert await accepted(relying, by_userinfo(relying)) == WHOLE


@pytest.mark.conformance("B14")
async def test_client_secret_basic(relying: Relying) -> None:
    """The id has a space and the secret characters of its own: both are form-encoded before they are put together."""
    relying.provider.authentication = "client_secret_basic"
    await accepted(relying, by_userinfo(relying, authentication="client_secret_basic"))


@pytest.mark.parametrize(
    ("misbehaviour", "reason"),
    [
        case("wrong_iss", Reason.TOKEN_ISSUER, "B2", "MUST 15", "BAD 45"),
        case("slash_iss", Reason.TOKEN_ISSUER, "MUST 15"),
        case("missing_iss_claim", Reason.TOKEN_CLAIM),
        case("missing_sub", Reason.TOKEN_SUBJECT, "B3", "MUST 17"),
        case("empty_sub", Reason.TOKEN_SUBJECT, "MUST 17"),
        case("long_sub", Reason.TOKEN_SUBJECT, "MUST 17"),
        case("wrong_aud", Reason.TOKEN_AUDIENCE, "B4", "MUST 16"),
        case("missing_aud", Reason.TOKEN_CLAIM, "missing-aud"),
        case("missing_iat", Reason.TOKEN_CLAIM, "B5", "MUST 17", "BAD 21"),
        case("alg_none", Reason.TOKEN_ALGORITHM, "B9", "BAD 9", "MUST 19"),
        case("bad_signature", Reason.TOKEN_SIGNATURE, "B10"),
        case("wrong_nonce", Reason.TOKEN_NONCE, "B12", "MUST 18"),
    ],
)
async def test_an_id_token_that_is_wrong(relying: Relying, misbehaviour: str, reason: Reason) -> None:
    relying.provider.misbehaviour = misbehaviour
    assert await refused(relying, by_userinfo(relying)) == (reason, ["/token"])


@pytest.mark.parametrize(
    "misbehaviour",
    [
        pytest.param("kid_absent", marks=pytest.mark.conformance("B6")),
        pytest.param("kid_absent_several_keys", marks=pytest.mark.conformance("B7")),
        pytest.param("broken_key_in_jwks", marks=pytest.mark.conformance("IgnoresUnparseableKeyInJwks", "BAD 50")),
        "jwks_x5c_garbage",
        "array_aud",
        "missing_at_hash",
    ],
)
async def test_what_is_within_the_rules(relying: Relying, misbehaviour: str) -> None:
    relying.provider.misbehaviour = misbehaviour
    assert await accepted(relying, by_userinfo(relying)) == WHOLE


@pytest.mark.parametrize(
    "algorithm",
    [
        pytest.param("HS256", marks=pytest.mark.conformance("invalid-sig-hs256")),
        pytest.param("ES256", marks=pytest.mark.conformance("invalid-sig-es256")),
        "PS256",
        "EdDSA",
    ],
)
async def test_a_wrong_signature_by_the_registered_algorithm(relying: Relying, algorithm: str) -> None:
    relying.provider.algorithm = algorithm
    relying.provider.client_secret = "a secret of more than thirty-two bytes"
    connection = by_userinfo(relying, id_token_algorithms=[algorithm])
    assert await accepted(relying, connection) == WHOLE
    relying.provider.requests.clear()
    relying.provider.misbehaviour = "bad_signature"
    assert await refused(relying, connection) == (Reason.TOKEN_SIGNATURE, ["/token"])


@pytest.mark.parametrize(
    ("misbehaviour", "reason"),
    [
        case("userinfo_other_sub", Reason.USERINFO_SUBJECT, "B11", "MUST 28", "BAD 45"),
        case("userinfo_sub_in_other_case", Reason.USERINFO_SUBJECT, "MUST 28", "MUST 30"),
        case("userinfo_missing_sub", Reason.RESPONSE_MALFORMED, "MUST 28"),
        case("userinfo_null_sub", Reason.RESPONSE_MALFORMED, "MUST 28", "BAD 50"),
    ],
)
async def test_userinfo_of_somebody_else(relying: Relying, misbehaviour: str, reason: Reason) -> None:
    relying.provider.misbehaviour = misbehaviour
    assert await refused(relying, by_userinfo(relying)) == (reason, WHOLE)


@pytest.mark.conformance("BAD 25", "MUST 29")
async def test_one_document_does_not_vouch_for_the_address_of_the_other(relying: Relying) -> None:
    """The ID token vouches for one address, UserInfo gives another and says nothing of it."""
    relying.provider.misbehaviour = "userinfo_other_email"
    signed_in = await relying.sign_in(by_userinfo(relying))
    assert signed_in.mapped.attributes["email"] == "bob@attacker.example"
    assert "email" not in signed_in.mapped.verified


@pytest.mark.conformance("B13")
async def test_claims_by_scope(relying: Relying) -> None:
    provider = relying.provider
    provider.claims_by_scope = provider.thin_id_tokens = True
    provider.person = {**provider.person, "phone_number": "+32470123456"}
    claims = {
        "email": "email",
        "first_name": "given_name",
        "phone": "phone_number",
        "city": "address.locality",
    }
    connection = by_userinfo(relying, scopes=["openid", "profile", "email", "phone", "address"], claims=claims)
    attributes = (await relying.sign_in(connection)).mapped.attributes
    assert (attributes["first_name"], attributes["phone"], attributes["city"]) == ("Ada", "+32470123456", "London")
    assert provider.calls("/authorize")[0].query["scope"].split() == ["openid", "profile", "email", "phone", "address"]


@pytest.mark.conformance("BAD 21")
async def test_another_algorithm_than_the_registered_one(relying: Relying) -> None:
    relying.provider.misbehaviour = "other_alg"
    assert await refused(relying, by_userinfo(relying)) == (Reason.TOKEN_ALGORITHM, ["/token"])


# An ID token from the authorization endpoint


@pytest.mark.conformance("nonce-unless-code-flow")
@pytest.mark.parametrize("response_type", ["code", HYBRID, WITH_TOKEN, "id_token", "id_token token"])
async def test_a_nonce_is_always_sent(relying: Relying, response_type: str) -> None:
    """The provider refuses a request without one, but for the code flow."""
    await accepted(relying, relying.connection(response_type=response_type))
    [call] = relying.provider.calls("/authorize")
    assert len(call.query["nonce"]) == 22


@pytest.mark.parametrize(
    ("misbehaviour", "reason"),
    [
        case("wrong_at_hash", Reason.TOKEN_HASH, "invalid-athash", "MUST 27"),
        case("missing_at_hash", Reason.TOKEN_HASH, "missing-athash", "MUST 27"),
        case("wrong_c_hash", Reason.TOKEN_HASH, "invalid-chash", "MUST 27"),
        case("missing_c_hash", Reason.TOKEN_HASH, "missing-chash", "MUST 27"),
        case("wrong_s_hash", Reason.TOKEN_HASH, "MUST 27"),
        case("wrong_nonce", Reason.TOKEN_NONCE, "MUST 18"),
        case("missing_nonce", Reason.TOKEN_CLAIM, "MUST 18"),
        case("alg_none", Reason.TOKEN_ALGORITHM, "BAD 21"),
        case("callback_double_id_token", Reason.PARAMETER_REPEATED, "MUST 10", "BAD 40"),
        case("callback_missing_id_token", Reason.RESPONSE_MIXED, "MUST 11"),
        case("callback_foreign_id_token", Reason.TOKEN_MALFORMED),
    ],
)
async def test_what_comes_from_the_authorization_endpoint_is_proven_before_the_code_is_spent(
    relying: Relying, misbehaviour: str, reason: Reason
) -> None:
    relying.provider.misbehaviour = misbehaviour
    assert await refused(relying, by_userinfo(relying, response_type=WITH_TOKEN)) == (reason, [])


# The authorization response


@pytest.mark.parametrize(
    ("misbehaviour", "reason"),
    [
        case("callback_wrong_iss", Reason.ISSUER_MISMATCH, "MUST 7"),
        case("callback_slash_iss", Reason.ISSUER_MISMATCH, "MUST 7"),
        case("callback_empty_iss", Reason.ISSUER_MISMATCH, "MUST 7", "BAD 39"),
        case("callback_missing_iss", Reason.ISSUER_MISSING, "MUST 7"),
        case("callback_double_iss", Reason.PARAMETER_REPEATED, "MUST 10"),
        case("callback_double_code", Reason.PARAMETER_REPEATED, "MUST 10", "BAD 40"),
        case("callback_double_state", Reason.PARAMETER_REPEATED, "MUST 10", "BAD 40"),
        case("callback_double_response", Reason.PARAMETER_REPEATED, "MUST 10"),
        case("callback_wrong_state", Reason.STATE_INVALID, "MUST 4", "BAD 3"),
        case("callback_missing_state", Reason.STATE_MISSING, "BAD 5"),
        case("callback_nothing", Reason.STATE_MISSING),
        case("callback_ampersand", Reason.STATE_MISSING, "BAD 50"),
        case("callback_code_and_error", Reason.RESPONSE_MIXED, "MUST 11"),
        case("callback_neither", Reason.RESPONSE_MIXED, "MUST 11"),
        case("callback_other_mode", Reason.RESPONSE_MODE, "MUST 11"),
        case("callback_foreign_id_token", Reason.RESPONSE_MIXED, "MUST 11"),
        case("callback_unknown_error", Reason.PROVIDER_ERROR, "MUST 57"),
        case("callback_access_denied", Reason.ACCESS_DENIED),
    ],
)
async def test_a_response_that_is_wrong_asks_nobody(relying: Relying, misbehaviour: str, reason: Reason) -> None:
    relying.provider.misbehaviour = misbehaviour
    assert await refused_at_once(relying, by_userinfo(relying)) is reason


@pytest.mark.conformance("form-post-error")
async def test_an_error_by_form_post(relying: Relying) -> None:
    connection = by_userinfo(relying, response_mode="form_post", max_age=0, extra_parameters={"prompt": "none"})
    assert await refused_at_once(relying, connection) is Reason.PROVIDER_ERROR


# Keys and metadata


async def sign_in_twice(relying: Relying, misbehaviour: str) -> None:
    """In the same second: the keys may change right after we looked at them."""
    clock = now()
    providers = Providers(relying.fetcher, lambda: clock)
    connection = by_userinfo(relying)
    await relying.sign_in(connection, providers)
    if misbehaviour:
        relying.provider.misbehaviour = misbehaviour
    else:
        relying.provider.rotate_key()
    await relying.sign_in(connection, providers)
    assert relying.paths().count("/jwks") == 2


@pytest.mark.conformance("signing-key-rotation-just-before-signing", "MUST 44")
async def test_a_key_rotated_just_before_signing(relying: Relying) -> None:
    await sign_in_twice(relying, "key_rotated")


@pytest.mark.conformance("signing-key-rotation", "MUST 44")
async def test_a_key_rotated_between_two_sign_ins(relying: Relying) -> None:
    await sign_in_twice(relying, "")


@pytest.mark.conformance("discovery-openid-config", "discovery-jwks-uri-keys")
async def test_the_metadata_is_used(relying: Relying) -> None:
    """A connection by the issuer alone: addresses, algorithm, client authentication, and that `iss` has to come."""
    provider = relying.provider
    provider.jwks_path, provider.algorithm = "/jwks/nobody-can-guess-4711", "ES256"
    provider.authentication, provider.thin_id_tokens = "client_secret_post", True
    given = {
        "name": "northwind", "title": "Northwind", "client_id": provider.client_id, "issuer": provider.issuer,
        "profile_source": "userinfo",
    }  # fmt: skip
    found = await configure(given, relying.fetcher, relying.fetcher.insecure_allowed)
    connection = relying.connection(**found.model_dump())
    provider.requests.clear()
    assert (await relying.sign_in(connection)).mapped.attributes["email"] == EMAIL
    assert relying.paths() == ["/authorize", "/token", "/jwks/nobody-can-guess-4711", "/userinfo"]
    provider.misbehaviour = "callback_missing_iss"
    provider.requests.clear()
    assert await refused_at_once(relying, connection) is Reason.ISSUER_MISSING


@pytest.mark.conformance("discovery-issuer-mismatch", "fapi1-discovery-issuer-mismatch")
@pytest.mark.conformance("fapi2-discovery-issuer-mismatch", "MUST 45")
@pytest.mark.parametrize("misbehaviour", ["discovery_wrong_issuer", "discovery_slash_issuer", "discovery_upper_issuer"])
async def test_the_metadata_of_another_issuer(relying: Relying, misbehaviour: str) -> None:
    relying.provider.misbehaviour = misbehaviour
    with pytest.raises(Refused) as refusal:
        await discover(relying.provider.issuer, relying.fetcher, relying.fetcher.insecure_allowed)
    assert refusal.value.reason is Reason.METADATA_ISSUER
    assert relying.paths() == ["/.well-known/openid-configuration"]


@pytest.mark.conformance("MUST 9")
async def test_endpoints_that_a_response_names_are_not_asked(relying: Relying) -> None:
    connection = by_userinfo(relying)
    url = await relying.begin(connection)
    asked = parse_qs(urlsplit(url).query)
    extra = f"{url}&token_endpoint={relying.provider.issuer}/elsewhere"
    assert asked["client_id"] == [relying.provider.client_id]
    await relying.carry(connection, extra)
    assert "/elsewhere" not in relying.paths()
