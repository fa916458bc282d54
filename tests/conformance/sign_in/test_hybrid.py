"""OpenID Connect with two ID tokens: a good one from the authorization endpoint, and one for the code. UserInfo would
be asked for the profile, so that a refusal shows that it was not."""

import pytest

from entracte.protocol.errors import Reason
from tests.conformance.sign_in.outcomes import case, refused
from tests.connections.relying import Relying


@pytest.mark.parametrize("response_type", ["code id_token", "code id_token token"])
@pytest.mark.parametrize(
    ("misbehaviour", "reason"),
    [
        case("wrong_iss", Reason.TOKEN_ISSUER, "B2", "MUST 15"),
        case("missing_sub", Reason.TOKEN_SUBJECT, "B3"),
        case("redeemed_other_sub", Reason.TOKEN_SUBJECT),
        case("wrong_aud", Reason.TOKEN_AUDIENCE, "B4", "MUST 16"),
        case("missing_aud", Reason.TOKEN_CLAIM, "missing-aud"),
        case("missing_iat", Reason.TOKEN_CLAIM, "B5"),
        case("old_iat", Reason.TOKEN_TOO_OLD, "MUST 17"),
        case("expired", Reason.TOKEN_EXPIRED, "MUST 17"),
        case("alg_none", Reason.TOKEN_ALGORITHM, "B9", "MUST 19"),
        case("other_alg", Reason.TOKEN_ALGORITHM, "MUST 19"),
        case("bad_signature", Reason.TOKEN_SIGNATURE, "B10"),
        case("forged", Reason.TOKEN_SIGNATURE),
        case("wrong_nonce", Reason.TOKEN_NONCE, "B12", "MUST 18"),
        case("missing_nonce", Reason.TOKEN_CLAIM, "MUST 18"),
        case("wrong_at_hash", Reason.TOKEN_HASH, "MUST 27"),
        case("wrong_c_hash", Reason.TOKEN_HASH, "MUST 27"),
        case("no_id_token", Reason.ID_TOKEN_MISSING),
    ],
)
async def test_the_id_token_for_the_code_is_proven_although_one_came_before(
    relying: Relying, misbehaviour: str, reason: Reason, response_type: str
) -> None:
    """Core section 3.3.3.7, and of the same person as the first (section 3.3.3.6)."""
    relying.provider.misbehaviour, relying.provider.misbehaves_at = misbehaviour, "token"
    assert await refused(relying, relying.connection(profile_source="userinfo", response_type=response_type)) == (
        reason,
        ["/token"],
    )
