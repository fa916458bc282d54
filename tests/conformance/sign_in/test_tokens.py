"""Tokens that broke others (sections 5 and 6), each in a whole sign-in: refused, and UserInfo is not asked."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from pydantic import ValidationError

from entracte.connections.kept_config import read_kept
from entracte.connections.model import Connection
from entracte.protocol.errors import Reason, Refused
from tests.conformance.sign_in.outcomes import case, refused
from tests.connections.relying import Relying
from tests.misbehaving_provider import Encryption

MUST_33 = pytest.mark.conformance("MUST 33")
PUBLIC_KEY_AS_SECRET = ("BAD 11", "MUST 19")


@pytest.mark.parametrize(
    ("misbehaviour", "reason"),
    [
        case("jwk_header", Reason.TOKEN_KEY, "BAD 8", "MUST 21"),
        case("jku_header", Reason.TOKEN_KEY, "MUST 21"),
        case("x5u_header", Reason.TOKEN_KEY, "MUST 21"),
        case("x5c_header", Reason.TOKEN_KEY, "MUST 21"),
        case("strange_kid", Reason.TOKEN_KEY, "MUST 21"),
        case("forged", Reason.TOKEN_SIGNATURE),
        case("alg_none_with_signature", Reason.TOKEN_ALGORITHM, "BAD 9"),
        case("crit_header", Reason.TOKEN_MALFORMED, "BAD 10", "MUST 22"),
        case("b64_header", Reason.TOKEN_MALFORMED, "BAD 10", "MUST 22"),
        case("hs256_public_key", Reason.TOKEN_ALGORITHM, *PUBLIC_KEY_AS_SECRET),
        case("hs256_public_key_pkcs1", Reason.TOKEN_ALGORITHM, *PUBLIC_KEY_AS_SECRET),
        case("hs256_public_key_openssh", Reason.TOKEN_ALGORITHM, *PUBLIC_KEY_AS_SECRET),
        case("hs256_public_key_jwk", Reason.TOKEN_ALGORITHM, *PUBLIC_KEY_AS_SECRET),
        case("hs256_empty_secret", Reason.TOKEN_ALGORITHM, "BAD 18"),
        case("kid_of_another_family", Reason.TOKEN_KEY, "BAD 12", "MUST 20"),
        case("small_key", Reason.TOKEN_KEY, "MUST 20"),
        case("jwks_use_enc", Reason.TOKEN_KEY, "MUST 20"),
        case("jwks_key_ops_encrypt", Reason.TOKEN_KEY, "MUST 20"),
        case("jwks_other_alg", Reason.TOKEN_KEY, "MUST 20"),
        case("unknown_alg", Reason.TOKEN_ALGORITHM, "BAD 13", "MUST 27"),
        case("null_alg", Reason.TOKEN_ALGORITHM, "MUST 19"),
        case("wrong_c_hash", Reason.TOKEN_HASH, "MUST 27"),
        case("huge_header", Reason.TOKEN_MALFORMED, "BAD 17", "MUST 23"),
        case("huge_signature", Reason.TOKEN_MALFORMED, "BAD 17", "MUST 23"),
        case("huge_claims", Reason.TOKEN_MALFORMED, "MUST 23"),
        case("deep_claims", Reason.TOKEN_MALFORMED, "MUST 23"),
        case("repeated_claim", Reason.TOKEN_MALFORMED, "MUST 23"),
        case("array_claims", Reason.TOKEN_MALFORMED),
        case("not_json_claims", Reason.TOKEN_MALFORMED),
        case("json_form", Reason.TOKEN_MALFORMED, "BAD 20"),
        case("mixed_form", Reason.TOKEN_MALFORMED, "BAD 20"),
        case("json_without_signatures", Reason.TOKEN_MALFORMED, "BAD 18"),
        case("truncated", Reason.TOKEN_MALFORMED, "BAD 19"),
        case("padded", Reason.TOKEN_MALFORMED),
        case("number_iss", Reason.TOKEN_CLAIM, "BAD 18"),
        case("number_sub", Reason.TOKEN_SUBJECT, "BAD 18"),
        case("null_sub", Reason.TOKEN_SUBJECT, "BAD 18"),
        case("number_aud", Reason.TOKEN_CLAIM, "BAD 18"),
        case("empty_aud", Reason.TOKEN_CLAIM, "MUST 16"),
        case("extra_aud", Reason.TOKEN_AUDIENCE, "MUST 16"),
        case("secondary_aud", Reason.TOKEN_AUDIENCE, "MUST 16"),
        case("wrong_azp", Reason.TOKEN_AUDIENCE, "MUST 16"),
        case("text_exp", Reason.TOKEN_CLAIM, "MUST 17"),
        case("bool_exp", Reason.TOKEN_CLAIM, "MUST 17"),
        case("infinite_exp", Reason.TOKEN_MALFORMED, "MUST 17"),
        case("nan_exp", Reason.TOKEN_MALFORMED, "MUST 17"),
        case("infinite_iat", Reason.TOKEN_MALFORMED, "MUST 17", "BAD 21"),
        case("text_iat", Reason.TOKEN_CLAIM, "MUST 17", "BAD 21"),
        case("future_iat", Reason.TOKEN_EXPIRED, "MUST 17", "BAD 21"),
        case("future_nbf", Reason.TOKEN_EXPIRED, "MUST 17"),
        case("old_iat", Reason.TOKEN_TOO_OLD, "MUST 17", "BAD 21"),
        case("wrong_at_hash", Reason.TOKEN_HASH, "MUST 27"),
    ],
)
async def test_an_id_token_that_broke_others(relying: Relying, misbehaviour: str, reason: Reason) -> None:
    relying.provider.misbehaviour = misbehaviour
    assert await refused(relying, relying.connection(profile_source="userinfo")) == (reason, ["/token"])
    assert relying.paths().count("/jwks") <= 1 or reason is Reason.TOKEN_KEY


@pytest.mark.parametrize(
    ("misbehaviour", "reason"),
    [
        case("missing_auth_time", Reason.AUTHENTICATION_AGE, "MUST 33"),
        case("old_auth_time", Reason.AUTHENTICATION_AGE, "MUST 33"),
        case("missing_acr", Reason.AUTHENTICATION_CONTEXT, "MUST 33"),
        case("wrong_acr", Reason.AUTHENTICATION_CONTEXT, "MUST 33"),
    ],
)
async def test_time_and_strength_of_the_login(relying: Relying, misbehaviour: str, reason: Reason) -> None:
    connection = relying.connection(profile_source="userinfo", max_age=600, acr_values=["high"])
    await relying.sign_in(connection)
    relying.provider.requests.clear()
    relying.provider.misbehaviour = misbehaviour
    assert await refused(relying, connection) == (reason, ["/token"])


ESSENTIAL = {"id_token": {"acr": {"essential": True, "values": ["high", "higher"]}}}


@pytest.mark.parametrize(
    ("misbehaviour", "reason"),
    [
        case("missing_acr", Reason.AUTHENTICATION_CONTEXT, "MUST 33"),
        case("wrong_acr", Reason.AUTHENTICATION_CONTEXT, "MUST 33"),
    ],
)
async def test_strength_of_the_login_as_an_essential_claim(relying: Relying, misbehaviour: str, reason: Reason) -> None:
    """Core section 5.5.1.1: asked for with `claims`, in an ID token of the front channel and of the back channel."""
    for response_type in ("code", "code id_token"):
        connection = relying.connection(
            profile_source="userinfo", requested_claims=ESSENTIAL, response_type=response_type
        )
        relying.provider.misbehaviour = ""
        await relying.sign_in(connection)
        relying.provider.requests.clear()
        relying.provider.misbehaviour = misbehaviour
        assert await refused(relying, connection) == (reason, ["/token"] if response_type == "code" else [])
        relying.provider.requests.clear()


async def test_a_wish_for_a_strength_is_none(relying: Relying) -> None:
    """Without `essential`, and as an extra parameter, `acr` is asked for and may be anything (Core section 5.5.1.1)."""
    relying.provider.misbehaviour = "wrong_acr"
    wish = {"id_token": {"acr": {"values": ["high"]}}}
    for asked in ({"requested_claims": wish}, {"extra_parameters": {"acr_values": "high"}}):
        await relying.sign_in(relying.connection(**asked))


@pytest.mark.parametrize("asked", [{"value": "person-2"}, {"values": ["person-2", "person-3"]}])
async def test_a_person_who_was_asked_for(relying: Relying, asked: dict[str, Any]) -> None:
    """Core sections 3.1.2.2 and 5.5.1: a `sub` with a value is that person, or nobody."""
    connection = relying.connection(profile_source="userinfo", requested_claims={"id_token": {"sub": asked}})
    assert await refused(relying, connection) == (Reason.TOKEN_SUBJECT, ["/token"])
    relying.provider.person = {**relying.provider.person, "sub": "person-2"}
    await relying.sign_in(connection)


@pytest.mark.conformance("MUST 33")
@pytest.mark.parametrize("query", [False, True])
@pytest.mark.parametrize(
    ("name", "value"), [("max_age", "600"), ("max_age", "soon"), ("claims", json.dumps(ESSENTIAL)), ("claims", "{")]
)
def test_what_is_checked_is_asked_for_by_its_setting_alone(
    relying: Relying, name: str, value: str, query: bool
) -> None:
    endpoint = f"{relying.provider.issuer}/authorize"
    given: dict[str, Any] = {"extra_parameters": {name: value}}
    if query:
        given = {"authorization_endpoint": f"{endpoint}?{urlencode({name: value})}"}
    with pytest.raises(ValidationError, match="because they are then checked"):
        relying.connection(**given)


@pytest.mark.parametrize("query", [False, True])
@pytest.mark.parametrize(
    ("name", "value", "misbehaviour", "reason"),
    [
        pytest.param("max_age", "600", "old_auth_time", Reason.AUTHENTICATION_AGE, marks=MUST_33),
        pytest.param("max_age", "600", "missing_auth_time", Reason.AUTHENTICATION_AGE, marks=MUST_33),
        pytest.param("claims", json.dumps(ESSENTIAL), "wrong_acr", Reason.AUTHENTICATION_CONTEXT, marks=MUST_33),
    ],
)
async def test_what_a_kept_connection_asks_for_is_checked(
    relying: Relying, name: str, value: str, misbehaviour: str, reason: Reason, query: bool
) -> None:
    """Kept before the rule above was there: it is read, still asks for the same, and now it has to hold."""
    plain = relying.connection(profile_source="userinfo")
    kept = json.loads(plain.config.model_dump_json())
    if query:
        kept["authorization_endpoint"] += f"?{urlencode({name: value})}"
    else:
        kept["extra_parameters"] = {name: value}
    connection = plain.with_config(read_kept(json.dumps(kept)))
    await relying.sign_in(connection)
    assert relying.provider.calls("/authorize")[0].query[name].replace(" ", "") == value.replace(" ", "")
    relying.provider.requests.clear()
    relying.provider.misbehaviour = misbehaviour
    assert await refused(relying, connection) == (reason, ["/token"])


def encrypting(relying: Relying, alg: str = "RSA-OAEP") -> Connection:
    relying.provider.id_token_encryption = Encryption(alg)
    return relying.connection(profile_source="userinfo", encryption_algorithm=alg, encrypted=["id_token"])


@pytest.mark.parametrize(
    ("misbehaviour", "reason"),
    [
        case("encrypted_rsa15", Reason.TOKEN_ENCRYPTION, "MUST 24", "fapi1-encrypted-idtoken-usingrsa15"),
        case("encrypted_rsa15_bad_padding", Reason.TOKEN_ENCRYPTION, "BAD 14", "MUST 24", "MUST 26"),
        case("encrypted_pbes2", Reason.TOKEN_ENCRYPTION, "BAD 15", "MUST 24"),
        case("encrypted_zip", Reason.TOKEN_ENCRYPTION, "MUST 24"),
        case("encrypted_zip_bomb", Reason.TOKEN_ENCRYPTION, "BAD 16", "MUST 24"),
        case("encrypted_raw", Reason.TOKEN_MALFORMED, "BAD 22", "MUST 25"),
        case("encrypted_not", Reason.TOKEN_ENCRYPTION, "MUST 25"),
        case("encrypted_for_another", Reason.TOKEN_ENCRYPTION, "MUST 26"),
        case("encrypted_bad_key", Reason.TOKEN_ENCRYPTION, "MUST 26", "BAD 14"),
        case("encrypted_short_key", Reason.TOKEN_ENCRYPTION, "MUST 26", "BAD 14"),
        case("encrypted_bad_tag", Reason.TOKEN_ENCRYPTION, "MUST 26"),
        case("encrypted_bad_content", Reason.TOKEN_ENCRYPTION, "MUST 26"),
        case("encrypted_no_key", Reason.TOKEN_ENCRYPTION, "BAD 18"),
        case("encrypted_crit", Reason.TOKEN_ENCRYPTION, "MUST 22"),
    ],
)
async def test_an_encrypted_id_token_that_broke_others(relying: Relying, misbehaviour: str, reason: Reason) -> None:
    connection = encrypting(relying)
    await relying.sign_in(connection)
    relying.provider.requests.clear()
    relying.provider.misbehaviour = misbehaviour
    assert await refused(relying, connection) == (reason, ["/token"])


DO_NOT_OPEN = (
    "encrypted_for_another", "encrypted_bad_key", "encrypted_short_key", "encrypted_no_key", "encrypted_bad_tag",
    "encrypted_bad_content",
)  # fmt: skip


@pytest.mark.conformance("MUST 26", "BAD 14")
@pytest.mark.parametrize("content", ["A256GCM", "A128CBC-HS256"])
@pytest.mark.parametrize("alg", ["RSA-OAEP", "RSA-OAEP-256"])
async def test_what_is_wrong_with_an_encrypted_token_is_told_by_nothing(
    relying: Relying, alg: str, content: str
) -> None:
    """Of a whole sign-in: reason, evidence, sentence and requests are the same, whichever part does not open."""
    connection = encrypting(relying, alg)
    relying.provider.id_token_encryption = Encryption(alg, content)
    told = set()
    for misbehaviour in DO_NOT_OPEN:
        relying.provider.requests.clear()
        relying.provider.misbehaviour = misbehaviour
        with pytest.raises(Refused) as refusal:
            await relying.sign_in(connection)
        told.add((refusal.value.reason, refusal.value.evidence, str(refusal.value), *relying.paths()))
    assert [(reason, asked) for reason, _evidence, _text, *asked in told] == [
        (Reason.TOKEN_ENCRYPTION, ["/authorize", "/token"])
    ]


@pytest.mark.parametrize(
    ("misbehaviour", "reason"),
    [
        case("access_token_wrong_aud", Reason.TOKEN_AUDIENCE, "BAD 42", "MUST 31"),
        case("access_token_missing_aud", Reason.TOKEN_CLAIM, "BAD 42", "MUST 31"),
        case("access_token_missing_exp", Reason.TOKEN_CLAIM, "BAD 42", "MUST 31"),
        case("access_token_expired", Reason.TOKEN_EXPIRED, "MUST 31"),
        case("access_token_wrong_iss", Reason.TOKEN_ISSUER, "MUST 31"),
        case("access_token_wrong_typ", Reason.TOKEN_CLAIM, "MUST 31"),
        case("access_token_bad_signature", Reason.TOKEN_SIGNATURE, "MUST 31"),
        case("access_token_alg_none", Reason.TOKEN_ALGORITHM, "MUST 31"),
        case("access_token_other_sub", Reason.TOKEN_SUBJECT, "MUST 31"),
    ],
)
async def test_a_jwt_access_token_that_is_not_for_us(relying: Relying, misbehaviour: str, reason: Reason) -> None:
    relying.provider.jwt_access_tokens, relying.provider.resource = True, "https://api.example"
    connection = relying.connection(profile_source="access_token", access_token_audience="https://api.example")
    await relying.sign_in(connection)
    relying.provider.requests.clear()
    relying.provider.misbehaviour = misbehaviour
    assert await refused(relying, connection) == (reason, ["/token"])


@pytest.mark.parametrize(
    ("misbehaviour", "reason"),
    [
        case("token_null_fields", Reason.RESPONSE_MALFORMED, "BAD 50"),
        case("token_number_fields", Reason.RESPONSE_MALFORMED, "BAD 50"),
        case("token_array_fields", Reason.RESPONSE_MALFORMED, "BAD 50"),
        case("token_object_fields", Reason.RESPONSE_MALFORMED, "BAD 50"),
        case("token_array", Reason.RESPONSE_MALFORMED, "BAD 50"),
        case("token_null", Reason.RESPONSE_MALFORMED, "BAD 50"),
        case("token_number_id_token", Reason.RESPONSE_MALFORMED, "BAD 50"),
        case("token_no_access_token", Reason.RESPONSE_MALFORMED),
        case("token_line_break", Reason.RESPONSE_MALFORMED, "MUST 57"),
        case("token_repeated", Reason.RESPONSE_MALFORMED, "MUST 23"),
        case("token_deep", Reason.RESPONSE_MALFORMED, "MUST 23"),
        case("token_html", Reason.RESPONSE_MALFORMED, "MUST 43"),
        case("token_other_type", Reason.RESPONSE_MALFORMED, "MUST 43"),
        case("token_empty", Reason.RESPONSE_MALFORMED, "MUST 43"),
        case("token_error_with_200", Reason.TOKEN_REFUSED, "MUST 43"),
        case("token_huge", Reason.RESPONSE_TOO_LARGE, "MUST 41"),
        case("token_endless", Reason.RESPONSE_TOO_LARGE, "MUST 41"),
        case("token_bomb", Reason.RESPONSE_TOO_LARGE, "MUST 41"),
        case("token_drips", Reason.PROVIDER_TIMEOUT, "MUST 41"),
        case("token_hangs", Reason.PROVIDER_TIMEOUT, "MUST 41"),
        case("token_redirect", Reason.RESPONSE_REDIRECTED, "MUST 39"),
        case("token_redirect_inside", Reason.RESPONSE_REDIRECTED, "MUST 39", "BAD 28"),
        case("token_type_mac", Reason.TOKEN_TYPE),
        case("token_503", Reason.PROVIDER_ERROR, "MUST 42"),
        case("token_resets", Reason.PROVIDER_UNREACHABLE, "MUST 42"),
    ],
)
async def test_a_token_response_that_broke_others_is_asked_for_once(
    relying: Relying, misbehaviour: str, reason: Reason
) -> None:
    relying.provider.misbehaviour = misbehaviour
    assert await refused(relying, relying.connection(profile_source="userinfo")) == (reason, ["/token"])
