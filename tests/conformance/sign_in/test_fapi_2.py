"""FAPI 2.0, line by line: a pushed request, client authentication by a signed assertion, tokens bound by DPoP, `iss`;
and for message signing a signed request and a signed response."""

from typing import Any

import pytest

from entracte.connections.model import Connection
from entracte.protocol.errors import Reason
from tests.conformance.sign_in.outcomes import accepted, case, refused
from tests.connections.relying import Relying

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
        case("token_type_downgraded", Reason.TOKEN_TYPE),
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
    assert await refused(relying, fapi(relying)) == (reason, [])


# Message signing


@pytest.mark.conformance("fapi2-happy-path")
async def test_a_signed_request_and_a_signed_response(relying: Relying) -> None:
    assert await accepted(relying, signing(relying)) == WHOLE
    [pushed] = relying.provider.calls("/par")
    assert {"request"} <= pushed.form.keys()
    assert "state" not in pushed.form


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
