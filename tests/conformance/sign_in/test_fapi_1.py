"""FAPI 1.0 Advanced, line by line: the hybrid flow by a signed request, PS256, client authentication by a signed
assertion, access tokens bound to a certificate. What is wrong comes from the authorization endpoint, so that a refusal
shows that the code was not spent."""

import ssl
from collections.abc import AsyncIterator
from typing import Any

import pytest

from entracte.connections.model import Connection
from entracte.connections.opened_keys import opened
from entracte.fetch import tls_context
from entracte.protocol.errors import Reason
from entracte.values import now
from tests.conformance.sign_in.outcomes import accepted, case, forgetting, refused
from tests.connections.relying import KEYS, Relying, relying_on
from tests.misbehaving_provider import Certified, Encryption, MisbehavingProvider, authority


def trusting_the_provider() -> ssl.SSLContext:
    context = tls_context()
    context.load_verify_locations(cadata=authority().certificate.decode())
    return context


@pytest.fixture
async def relying() -> AsyncIterator[Relying]:
    provider = MisbehavingProvider(
        https=True, mtls=True, only_mtls_aliases=True, algorithm="PS256", authentication="private_key_jwt",
        request_object_required=True,
    )  # fmt: skip
    async with relying_on(provider, tls=trusting_the_provider) as sides:
        yield sides


def fapi(relying: Relying, **config: Any) -> Connection:
    """A connection by the profile, whose certificate the provider knows."""
    address = relying.provider.mtls_issuer
    given = {
        "profile": "fapi1-advanced",
        "profile_source": "userinfo",
        "id_token_algorithms": ["PS256"],
        "token_endpoint": f"{address}/token",
        "userinfo_endpoint": f"{address}/userinfo",
        **config,
    }
    connection = relying.connection(**given)
    certificate = opened(connection, KEYS, now()).certificate
    assert certificate is not None
    relying.provider.trust_certificate(Certified(certificate.chain.encode(), b""))
    return connection


@pytest.mark.conformance("fapi1-happy-path")
async def test_everything_right(relying: Relying) -> None:
    assert await accepted(relying, fapi(relying)) == ["/token", "/userinfo"]
    assert all(call.certificate for path in ("/token", "/userinfo") for call in relying.provider.calls(path))
    assert "request" in relying.provider.calls("/authorize")[0].query


@pytest.mark.conformance("fapi1-happy-path")
async def test_a_code_in_a_signed_response(relying: Relying) -> None:
    connection = fapi(relying, response_type="code", response_mode="jwt")
    assert await accepted(relying, connection) == ["/token", "/userinfo"]


@pytest.mark.parametrize(
    ("misbehaviour", "reason"),
    [
        case("wrong_s_hash", Reason.TOKEN_HASH, "fapi1-invalid-shash"),
        case("missing_s_hash", Reason.TOKEN_HASH, "fapi1-missing-shash"),
        case("wrong_c_hash", Reason.TOKEN_HASH, "fapi1-invalid-chash"),
        case("wrong_nonce", Reason.TOKEN_NONCE, "fapi1-invalid-nonce"),
        case("missing_nonce", Reason.TOKEN_CLAIM, "fapi1-missing-nonce"),
        case("wrong_iss", Reason.TOKEN_ISSUER, "fapi1-invalid-iss"),
        case("missing_iss_claim", Reason.TOKEN_CLAIM, "fapi1-missing-iss"),
        case("wrong_aud", Reason.TOKEN_AUDIENCE, "fapi1-invalid-aud"),
        case("missing_aud", Reason.TOKEN_CLAIM, "fapi1-missing-aud"),
        case("secondary_aud", Reason.TOKEN_AUDIENCE, "fapi1-invalid-secondary-aud"),
        case("bad_signature", Reason.TOKEN_SIGNATURE, "fapi1-invalid-signature"),
        case("alg_none", Reason.TOKEN_ALGORITHM, "fapi1-invalid-null-alg"),
        case("other_alg", Reason.TOKEN_ALGORITHM, "fapi1-invalid-alternate-alg"),
        case("expired", Reason.TOKEN_EXPIRED, "fapi1-invalid-expired-exp"),
        case("missing_exp", Reason.TOKEN_CLAIM, "fapi1-missing-exp"),
        case("week_old_iat", Reason.TOKEN_TOO_OLD, "fapi1-iat-is-week-in-past"),
    ],
)
async def test_an_id_token_that_is_wrong(relying: Relying, misbehaviour: str, reason: Reason) -> None:
    relying.provider.misbehaviour = misbehaviour
    assert await refused(relying, fapi(relying)) == (reason, [])


@pytest.mark.parametrize(
    ("misbehaviour", "reason"),
    [
        case("wrong_s_hash", Reason.TOKEN_HASH, "fapi1-invalid-shash"),
        case("wrong_c_hash", Reason.TOKEN_HASH),
        case("wrong_at_hash", Reason.TOKEN_HASH),
        case("wrong_nonce", Reason.TOKEN_NONCE, "fapi1-invalid-nonce"),
        case("missing_nonce", Reason.TOKEN_CLAIM, "fapi1-missing-nonce"),
        case("wrong_iss", Reason.TOKEN_ISSUER, "fapi1-invalid-iss"),
        case("missing_iss_claim", Reason.TOKEN_CLAIM, "fapi1-missing-iss"),
        case("wrong_aud", Reason.TOKEN_AUDIENCE, "fapi1-invalid-aud"),
        case("missing_aud", Reason.TOKEN_CLAIM, "fapi1-missing-aud"),
        case("secondary_aud", Reason.TOKEN_AUDIENCE, "fapi1-invalid-secondary-aud"),
        case("bad_signature", Reason.TOKEN_SIGNATURE, "fapi1-invalid-signature"),
        case("alg_none", Reason.TOKEN_ALGORITHM, "fapi1-invalid-null-alg"),
        case("other_alg", Reason.TOKEN_ALGORITHM, "fapi1-invalid-alternate-alg"),
        case("expired", Reason.TOKEN_EXPIRED, "fapi1-invalid-expired-exp"),
        case("missing_exp", Reason.TOKEN_CLAIM, "fapi1-missing-exp"),
        case("week_old_iat", Reason.TOKEN_TOO_OLD, "fapi1-iat-is-week-in-past"),
        case("redeemed_other_sub", Reason.TOKEN_SUBJECT),
        case("no_id_token", Reason.ID_TOKEN_MISSING),
    ],
)
async def test_an_id_token_that_is_wrong_where_the_code_is_redeemed(
    relying: Relying, misbehaviour: str, reason: Reason
) -> None:
    """The first one is good. The second is proven as the first, and tells of the same person (Core section 3.3.3)."""
    relying.provider.misbehaviour, relying.provider.misbehaves_at = misbehaviour, "token"
    assert await refused(relying, fapi(relying)) == (reason, ["/token"])


@pytest.mark.parametrize(
    "misbehaviour",
    [
        pytest.param("array_aud", marks=pytest.mark.conformance("fapi1-valid-aud-as-array")),
        pytest.param("missing_at_hash", marks=pytest.mark.conformance("fapi1-missing-athash")),
        pytest.param("token_no_scope", marks=pytest.mark.conformance("fapi1-no-scope-in-token-endpoint-response")),
    ],
)
async def test_what_is_within_the_rules(relying: Relying, misbehaviour: str) -> None:
    relying.provider.misbehaviour = misbehaviour
    assert await accepted(relying, fapi(relying)) == ["/token", "/userinfo"]


@pytest.mark.conformance("fapi1-encrypted-idtoken")
async def test_an_encrypted_id_token(relying: Relying) -> None:
    relying.provider.id_token_encryption = Encryption("RSA-OAEP")
    connection = fapi(relying, encryption_algorithm="RSA-OAEP", encrypted=["id_token"])
    assert await accepted(relying, connection) == ["/token", "/userinfo"]
    relying.provider.requests.clear()
    relying.provider.misbehaviour = "encrypted_not"
    assert await refused(relying, connection) == (Reason.TOKEN_ENCRYPTION, []), "then it comes so and not otherwise"


@pytest.mark.conformance("fapi1-encrypted-idtoken-usingrsa15")
async def test_an_id_token_that_is_encrypted_with_rsa15(relying: Relying) -> None:
    relying.provider.id_token_encryption = Encryption("RSA-OAEP")
    connection = fapi(relying, encryption_algorithm="RSA-OAEP", encrypted=["id_token"])
    relying.provider.misbehaviour = "encrypted_rsa15"
    assert await refused(relying, connection) == (Reason.TOKEN_ENCRYPTION, [])
    relying.provider.requests.clear()
    relying.provider.misbehaves_at = "token"
    assert await refused(relying, connection) == (Reason.TOKEN_ENCRYPTION, ["/token"])


# Refresh


def refreshing(relying: Relying) -> Connection:
    relying.provider.refresh_tokens = True
    return fapi(relying, refresh_tokens=True)


@pytest.mark.conformance("fapi1-refresh-token-test")
@pytest.mark.parametrize("times", [1, 2])
async def test_who_refreshes_is_proven_again_and_so_is_the_new_token(relying: Relying, times: int) -> None:
    """By an assertion of its own, and by the certificate, to which the new access token is bound as well."""
    connection = refreshing(relying)
    assert await accepted(relying, connection, forgetting(relying, times)) == ["/token", "/userinfo"] * (times + 1)
    refreshes = relying.provider.calls("/token")[1:]
    assert {call.form["grant_type"] for call in refreshes} == {"refresh_token"}
    assert len({call.form["refresh_token"] for call in refreshes}) == times
    assert len({call.form["client_assertion"] for call in relying.provider.calls("/token")}) == times + 1
    used = relying.provider.calls("/userinfo")
    assert len({call.headers["authorization"] for call in used}) == times + 1
    assert len({call.certificate for call in (*refreshes, *used)} - {b""}) == 1
    assert all(call.certificate for call in (*refreshes, *used))


@pytest.mark.parametrize(
    ("misbehaviour", "reason"),
    [
        case("token_type_mac", Reason.TOKEN_TYPE, "fapi1-refresh-token-test"),
        case("refreshed_other_sub", Reason.TOKEN_SUBJECT, "fapi1-refresh-token-test"),
        case("alg_none", Reason.TOKEN_ALGORITHM, "fapi1-refresh-token-test"),
        case("other_alg", Reason.TOKEN_ALGORITHM, "fapi1-refresh-token-test"),
        case("wrong_at_hash", Reason.TOKEN_HASH, "fapi1-refresh-token-test"),
    ],
)
async def test_what_a_refresh_brings_and_is_wrong(relying: Relying, misbehaviour: str, reason: Reason) -> None:
    """None of the new tokens is used."""
    relying.provider.misbehaviour, relying.provider.misbehaves_at = misbehaviour, "refresh"
    connection = refreshing(relying)
    assert await refused(relying, connection, forgetting(relying, 1)) == (reason, ["/token", "/userinfo", "/token"])
