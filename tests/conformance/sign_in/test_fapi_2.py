"""FAPI 2.0, line by line: a pushed request, client authentication by a signed assertion, tokens bound by DPoP, `iss`;
and for message signing a signed request and a signed response."""

from typing import Any

import pytest

from entracte.connections.model import Connection
from entracte.protocol.errors import Reason
from tests.conformance.sign_in.outcomes import accepted, case, forgetting, refused, refused_at_once
from tests.connections.relying import Relying
from tests.connections.test_protected_requests import claims_of
from tests.misbehaving_provider.dpop import thumbprint
from tests.misbehaving_provider.keys import parts

WHOLE = ["/token", "/userinfo"]


def fapi(relying: Relying, profile: str = "fapi2-security", **config: Any) -> Connection:
    provider = relying.provider
    provider.authentication, provider.algorithm = "private_key_jwt", "ES256"
    provider.par_required = provider.dpop_required = True
    provider.request_object_required = profile == "fapi2-message-signing"
    return relying.connection(profile=profile, profile_source="userinfo", id_token_algorithms=["ES256"], **config)


def signing(relying: Relying) -> Connection:
    return fapi(relying, "fapi2-message-signing")


@pytest.mark.conformance("fapi2-happy-path")
async def test_everything_right_with_a_nonce_each_time(relying: Relying) -> None:
    relying.provider.dpop_nonce = True
    assert await accepted(relying, fapi(relying)) == ["/token", "/token", "/userinfo", "/userinfo"]
    assert relying.paths()[:2] == ["/par", "/par"]


@pytest.mark.conformance("fapi2-happy-path-no-dpop-nonce")
async def test_everything_right_without_a_nonce(relying: Relying) -> None:
    assert await accepted(relying, fapi(relying)) == WHOLE


@pytest.mark.parametrize("profile", ["fapi2-security", "fapi2-message-signing"])
@pytest.mark.parametrize(
    ("misbehaviour", "reason"),
    [
        case("wrong_iss", Reason.TOKEN_ISSUER, "fapi2-invalid-iss"),
        case("missing_iss_claim", Reason.TOKEN_CLAIM, "fapi2-missing-iss"),
        case("wrong_aud", Reason.TOKEN_AUDIENCE, "fapi2-invalid-aud"),
        case("missing_aud", Reason.TOKEN_CLAIM, "fapi2-missing-aud"),
        case("secondary_aud", Reason.TOKEN_AUDIENCE, "fapi2-invalid-secondary-aud"),
        case("alg_none", Reason.TOKEN_ALGORITHM, "fapi2-invalid-null-alg"),
        case("other_alg", Reason.TOKEN_ALGORITHM, "fapi2-invalid-alternate-alg"),
        case("expired", Reason.TOKEN_EXPIRED, "fapi2-invalid-expired-exp"),
        case("missing_exp", Reason.TOKEN_CLAIM, "fapi2-missing-exp"),
        case("wrong_nonce", Reason.TOKEN_NONCE, "fapi2-invalid-nonce"),
        case("missing_nonce", Reason.TOKEN_CLAIM, "fapi2-missing-nonce"),
        case("token_type_downgraded", Reason.TOKEN_TYPE, "fapi2-token-type-case-insensitivity"),
    ],
)
async def test_tokens_that_are_wrong(relying: Relying, profile: str, misbehaviour: str, reason: Reason) -> None:
    relying.provider.misbehaviour = misbehaviour
    assert await refused(relying, fapi(relying, profile)) == (reason, ["/token"])


@pytest.mark.parametrize(
    "misbehaviour",
    [
        pytest.param("array_aud", marks=pytest.mark.conformance("fapi2-valid-aud-as-array")),
        pytest.param(
            "token_no_expires_in", marks=pytest.mark.conformance("fapi2-token-endpoint-response-without-expires_in")
        ),
        pytest.param("token_type_mixed", marks=pytest.mark.conformance("fapi2-token-type-case-insensitivity")),
        pytest.param("token_type_upper", marks=pytest.mark.conformance("fapi2-token-type-case-insensitivity")),
        pytest.param("token_type_lower", marks=pytest.mark.conformance("fapi2-token-type-case-insensitivity")),
    ],
)
async def test_what_is_within_the_rules(relying: Relying, misbehaviour: str) -> None:
    relying.provider.misbehaviour = misbehaviour
    assert await accepted(relying, fapi(relying)) == WHOLE


@pytest.mark.conformance("fapi2-token-type-case-insensitivity")
@pytest.mark.parametrize("misbehaviour", ["token_type_mixed", "token_type_upper", "token_type_lower"])
async def test_bearer_in_any_case(relying: Relying, misbehaviour: str) -> None:
    relying.provider.misbehaviour = misbehaviour
    assert await accepted(relying, relying.connection(profile_source="userinfo")) == WHOLE


@pytest.mark.conformance("fapi2-rs-dpop-auth-scheme-case-insensitivity")
async def test_the_name_of_the_scheme_in_any_case(relying: Relying) -> None:
    relying.provider.misbehaviour = "dpop_scheme_case"
    assert (await accepted(relying, fapi(relying))).count("/userinfo") == 2


@pytest.mark.parametrize(
    ("misbehaviour", "reason"),
    [
        case("callback_wrong_iss", Reason.ISSUER_MISMATCH, "fapi2-invalid-authorization-response-iss", "MUST 7"),
        case("callback_missing_iss", Reason.ISSUER_MISSING, "fapi2-remove-authorization-response-iss", "MUST 7"),
        case(
            "callback_wrong_state",
            Reason.STATE_INVALID,
            "fapi2-ensure-authorization-response-with-invalid-state-fails",
        ),
        case(
            "callback_missing_state",
            Reason.STATE_MISSING,
            "fapi2-ensure-authorization-response-with-invalid-missing-state-fails",
        ),
    ],
)
async def test_a_response_that_is_wrong_asks_nobody(relying: Relying, misbehaviour: str, reason: Reason) -> None:
    relying.provider.misbehaviour = misbehaviour
    assert await refused_at_once(relying, fapi(relying)) is reason


# Refresh


def refreshing(relying: Relying, profile: str) -> Connection:
    relying.provider.refresh_tokens = True
    return fapi(relying, profile, refresh_tokens=True)


@pytest.mark.conformance("fapi2-refresh-token-test")
@pytest.mark.parametrize("nonce", [False, True])
@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("profile", ["fapi2-security", "fapi2-message-signing"])
async def test_a_refresh_and_its_token_are_proven_with_the_key_of_the_sign_in(
    relying: Relying, profile: str, times: int, nonce: bool
) -> None:
    """RFC 9449 section 5: a refresh has a proof, and what it brings is bound to the same key."""
    relying.provider.dpop_nonce = nonce
    asked = await accepted(relying, refreshing(relying, profile), forgetting(relying, times))
    assert nonce or asked == WHOLE * (times + 1)
    calls = [call for path in WHOLE for call in relying.provider.calls(path)]
    refreshes = [call for call in calls if call.form.get("grant_type") == "refresh_token"]
    assert len(refreshes) == times * (1 + nonce)
    assert len({call.form["refresh_token"] for call in refreshes}) == times
    assert len({call.form["client_assertion"] for call in refreshes}) == len(refreshes)
    proofs = [call.headers["dpop"] for call in calls]
    assert len({claims_of(proof)["jti"] for proof in proofs}) == len(proofs)
    assert len({thumbprint(parts(proof)[0]["jwk"]) for proof in proofs}) == 1
    presented = {call.headers["authorization"] for call in relying.provider.calls("/userinfo")}
    assert len(presented) == times + 1
    assert all(one.startswith("DPoP ") for one in presented)


@pytest.mark.parametrize("profile", ["fapi2-security", "fapi2-message-signing"])
@pytest.mark.parametrize(
    ("misbehaviour", "reason"),
    [
        case("token_type_downgraded", Reason.TOKEN_TYPE, "fapi2-refresh-token-test"),
        case("refreshed_other_sub", Reason.TOKEN_SUBJECT, "fapi2-refresh-token-test"),
        case("alg_none", Reason.TOKEN_ALGORITHM, "fapi2-refresh-token-test"),
        case("other_alg", Reason.TOKEN_ALGORITHM, "fapi2-refresh-token-test"),
        case("wrong_at_hash", Reason.TOKEN_HASH, "fapi2-refresh-token-test"),
    ],
)
async def test_what_a_refresh_brings_and_is_wrong(
    relying: Relying, profile: str, misbehaviour: str, reason: Reason
) -> None:
    """None of the new tokens is used."""
    relying.provider.misbehaviour, relying.provider.misbehaves_at = misbehaviour, "refresh"
    connection = refreshing(relying, profile)
    assert await refused(relying, connection, forgetting(relying, 1)) == (reason, [*WHOLE, "/token"])


# Message signing


@pytest.mark.conformance("fapi2-happy-path")
async def test_a_signed_request_and_a_signed_response(relying: Relying) -> None:
    assert await accepted(relying, signing(relying)) == WHOLE
    [pushed] = relying.provider.calls("/par")
    # RFC 9126 section 3: who we are, our proof of it, and nothing but what the signature is around
    assert pushed.form.keys() == {"client_id", "client_assertion_type", "client_assertion", "request"}


@pytest.mark.parametrize(
    ("misbehaviour", "reason"),
    [
        case("jarm_missing_iss", Reason.TOKEN_CLAIM, "fapi2-jarm-without-iss", "MUST 35"),
        case("jarm_wrong_iss", Reason.TOKEN_ISSUER, "fapi2-jarm-invalid-iss", "MUST 35"),
        case("jarm_missing_aud", Reason.TOKEN_CLAIM, "fapi2-jarm-without-aud", "MUST 35"),
        case("jarm_wrong_aud", Reason.TOKEN_AUDIENCE, "fapi2-jarm-invalid-aud", "MUST 35"),
        case("jarm_missing_exp", Reason.TOKEN_CLAIM, "fapi2-jarm-without-exp", "MUST 35"),
        case("jarm_expired", Reason.TOKEN_EXPIRED, "fapi2-jarm-expired-exp", "MUST 35"),
        case("jarm_bad_signature", Reason.TOKEN_SIGNATURE, "fapi2-jarm-invalid-sig", "MUST 35"),
        case("jarm_forged", Reason.TOKEN_SIGNATURE, "fapi2-jarm-invalid-sig", "MUST 35"),
        case("jarm_alg_none", Reason.TOKEN_ALGORITHM, "fapi2-jarm-signature-is-not-none", "MUST 35"),
        case("jarm_other_alg", Reason.TOKEN_ALGORITHM, "MUST 35"),
        case("jarm_wrong_state", Reason.STATE_INVALID, "MUST 35"),
        case("jarm_error_too", Reason.RESPONSE_MIXED, "MUST 11"),
        case("jarm_missing_code", Reason.RESPONSE_MIXED, "MUST 11"),
        case("callback_plain", Reason.RESPONSE_MODE, "MUST 11", "MUST 35"),
        case("callback_code_beside_response", Reason.RESPONSE_MODE, "MUST 11", "MUST 35"),
        case("callback_double_response", Reason.PARAMETER_REPEATED, "MUST 10"),
    ],
)
async def test_a_signed_response_that_is_wrong_asks_nobody(relying: Relying, misbehaviour: str, reason: Reason) -> None:
    relying.provider.misbehaviour = misbehaviour
    assert await refused(relying, signing(relying)) == (reason, [])
