"""Where the profile comes from: UserInfo in every form, introspection, refreshed tokens, claims of others; and what is
given back."""

from typing import Any

import pytest

from entracte.connections.model import Connection, ConnectionConfig
from entracte.connections.profile_sources import Granted, subject_of
from entracte.listening import listen
from entracte.protocol.errors import Reason, Refused
from entracte.protocol.token import Tokens
from entracte.values import Secret
from tests.connections.relying import Relying
from tests.misbehaving_provider import Encryption

EMAIL = "ada@northwind.example"


async def refused(relying: Relying, connection: Connection) -> Reason:
    with pytest.raises(Refused) as refusal:
        await relying.sign_in(connection)
    assert EMAIL not in f"{refusal.value!s}{refusal.value.evidence}"
    return refusal.value.reason


# UserInfo


@pytest.mark.parametrize(
    ("bearer", "place"),
    [
        pytest.param("header", "header", marks=pytest.mark.conformance("userinfo-bearer-header")),
        pytest.param("form", "body", marks=pytest.mark.conformance("userinfo-bearer-body")),
    ],
)
async def test_the_access_token_goes_where_the_connection_says(relying: Relying, bearer: str, place: str) -> None:
    relying.provider.userinfo_bearer = place
    await relying.sign_in(relying.connection(profile_source="userinfo", userinfo_bearer=bearer))
    [call] = relying.provider.calls("/userinfo")
    assert call.headers.get("authorization", "").startswith("Bearer ") is (place == "header")
    assert ("access_token" in call.form) is (place == "body")


@pytest.mark.conformance("userinfo-signed")
@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "PS512", "EdDSA"])
async def test_signed_userinfo_is_proven(relying: Relying, algorithm: str) -> None:
    relying.provider.algorithm = relying.provider.userinfo_algorithm = algorithm
    connection = relying.connection(profile_source="userinfo", signed_userinfo=True, id_token_algorithms=[algorithm])
    assert (await relying.sign_in(connection)).mapped.attributes["email"] == EMAIL


@pytest.mark.conformance("userinfo-signed")
@pytest.mark.parametrize(("of_id_token", "of_userinfo"), [("ES256", "RS256"), ("HS256", "PS256"), ("RS256", "HS256")])
async def test_userinfo_may_be_signed_otherwise_than_the_id_token(
    relying: Relying, of_id_token: str, of_userinfo: str
) -> None:
    relying.provider.algorithm, relying.provider.userinfo_algorithm = of_id_token, of_userinfo
    relying.provider.client_secret = "a secret of more than thirty-two bytes"
    given = {"profile_source": "userinfo", "signed_userinfo": True, "id_token_algorithms": [of_id_token]}
    apart = relying.connection(**given, other_algorithms={"userinfo": [of_userinfo]})
    assert (await relying.sign_in(apart)).mapped.attributes["email"] == EMAIL
    assert await refused(relying, relying.connection(**given)) is Reason.TOKEN_ALGORITHM
    relying.provider.algorithm = of_userinfo
    assert await refused(relying, apart) is Reason.TOKEN_ALGORITHM, "an ID token is signed as it was registered"


SIGNED_USERINFO: dict[str, Reason] = {
    "userinfo_other_sub": Reason.USERINFO_SUBJECT,
    "userinfo_missing_sub": Reason.RESPONSE_MALFORMED,
    "userinfo_wrong_iss": Reason.TOKEN_ISSUER,
    "userinfo_missing_iss": Reason.TOKEN_CLAIM,
    "userinfo_wrong_aud": Reason.TOKEN_AUDIENCE,
    "userinfo_missing_aud": Reason.TOKEN_CLAIM,
    "userinfo_bad_signature": Reason.TOKEN_SIGNATURE,
    "userinfo_alg_none": Reason.TOKEN_ALGORITHM,
    "userinfo_plain": Reason.RESPONSE_MALFORMED,
}


@pytest.mark.conformance("userinfo-signed", "MUST 28")
@pytest.mark.parametrize("misbehaviour", SIGNED_USERINFO)
async def test_signed_userinfo_that_is_not_for_us_is_refused(relying: Relying, misbehaviour: str) -> None:
    relying.provider.userinfo_algorithm = "RS256"
    relying.provider.misbehaviour = misbehaviour
    connection = relying.connection(profile_source="userinfo", signed_userinfo=True)
    assert await refused(relying, connection) is SIGNED_USERINFO[misbehaviour]


@pytest.mark.parametrize("algorithm", ["RSA-OAEP", "RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A256KW"])
@pytest.mark.parametrize("content", ["A128CBC-HS256", "A256GCM"])
async def test_encrypted_userinfo_and_id_tokens_open(relying: Relying, algorithm: str, content: str) -> None:
    encryption = Encryption(algorithm, content)
    relying.provider.userinfo_algorithm = "RS256"
    relying.provider.userinfo_encryption = relying.provider.id_token_encryption = encryption
    connection = relying.connection(
        profile_source="userinfo", encryption_algorithm=algorithm, encrypted=["id_token", "userinfo"]
    )
    assert (await relying.sign_in(connection)).mapped.attributes["email"] == EMAIL


@pytest.mark.conformance("MUST 25")
async def test_what_was_to_be_encrypted_is_refused_when_it_is_not(relying: Relying) -> None:
    connection = relying.connection(encryption_algorithm="RSA-OAEP", encrypted=["id_token"])
    assert await refused(relying, connection) is Reason.TOKEN_ENCRYPTION
    relying.provider.id_token_encryption = Encryption("RSA-OAEP")
    plain = relying.connection()
    relying.provider.client_jwks = {
        "keys": [key.public | {"use": "enc", "kid": key.kid} for key in connection.own_keys]
    }
    assert await refused(relying, plain) is Reason.TOKEN_MALFORMED


# Introspection


async def test_introspection_as_the_source_of_the_profile(relying: Relying) -> None:
    connection = relying.connection(profile_source="introspection")
    assert (await relying.sign_in(connection)).mapped.attributes["email"] == EMAIL
    [call] = relying.provider.calls("/introspect")
    assert call.headers["authorization"].startswith("Basic ")
    assert call.form["token_type_hint"] == "access_token"


INTROSPECTIONS: dict[str, Reason] = {
    "introspection_inactive": Reason.TOKEN_INACTIVE,
    "introspection_missing_active": Reason.RESPONSE_MALFORMED,
    "introspection_text_active": Reason.RESPONSE_MALFORMED,
    "introspection_other_sub": Reason.TOKEN_SUBJECT,
    "introspection_other_client": Reason.TOKEN_AUDIENCE,
    "introspection_other_iss": Reason.TOKEN_ISSUER,
    "introspection_expired": Reason.TOKEN_EXPIRED,
}


@pytest.mark.parametrize("misbehaviour", INTROSPECTIONS)
async def test_a_token_that_is_not_active_or_not_this_persons_asks_no_userinfo(
    relying: Relying, misbehaviour: str
) -> None:
    relying.provider.misbehaviour = misbehaviour
    connection = relying.connection(profile_source="userinfo", introspect_tokens=True)
    assert await refused(relying, connection) is INTROSPECTIONS[misbehaviour]
    assert "/userinfo" not in relying.paths()


# Refresh


def refreshing(relying: Relying, **config: Any) -> Connection:
    """A connection that refreshes, to a provider whose first access token is worth nothing when it is used."""
    relying.provider.refresh_tokens = True
    return relying.connection(profile_source="userinfo", refresh_tokens=True, **config)


class Forgetful:
    """The way to the provider, which forgets its access tokens before UserInfo is asked, so many times."""

    def __init__(self, relying: Relying, times: int) -> None:
        self.relying, self.times = relying, times
        self._fetch = relying.fetcher.__call__

    async def __call__(self, request: Any) -> Any:
        if request.url.endswith("/userinfo") and self.times:
            self.times -= 1
            self.relying.provider.expire_access_tokens()
        return await self._fetch(request)


async def sign_in_forgetfully(relying: Relying, connection: Connection, times: int) -> Any:
    from entracte.connections.providers import Providers
    from entracte.values import now

    return await relying.sign_in(connection, Providers(Forgetful(relying, times), now))


@pytest.mark.conformance("refresh-token", "fapi1-refresh-token-test", "fapi2-refresh-token-test")
@pytest.mark.parametrize("times", [0, 1, 2])
async def test_an_access_token_that_is_not_taken_is_refreshed_and_the_refresh_token_rotates(
    relying: Relying, times: int
) -> None:
    signed_in = await sign_in_forgetfully(relying, refreshing(relying), times)
    assert signed_in.mapped.attributes["email"] == EMAIL
    refreshes = [call for call in relying.provider.calls("/token") if call.form["grant_type"] == "refresh_token"]
    assert len(refreshes) == times
    assert len({call.form["refresh_token"] for call in refreshes}) == times
    bearers = [call.headers["authorization"] for call in relying.provider.calls("/userinfo")]
    assert len(set(bearers)) == times + 1


async def test_a_server_that_never_takes_a_token_is_given_up(relying: Relying) -> None:
    with pytest.raises(Refused) as refusal:
        await sign_in_forgetfully(relying, refreshing(relying), 9)
    assert refusal.value.reason is Reason.USERINFO_REFUSED
    assert relying.paths().count("/userinfo") == 3


async def test_without_the_option_nothing_is_refreshed(relying: Relying) -> None:
    relying.provider.refresh_tokens = True
    with pytest.raises(Refused) as refusal:
        await sign_in_forgetfully(relying, relying.connection(profile_source="userinfo"), 1)
    assert refusal.value.reason is Reason.USERINFO_REFUSED
    assert relying.paths().count("/token") == 1


REFRESHED: dict[str, tuple[str, Reason]] = {
    "refreshed_other_iss": ("refresh-token-invalid-issuer", Reason.TOKEN_ISSUER),
    "refreshed_other_sub": ("refresh-token-invalid-sub", Reason.TOKEN_SUBJECT),
    "refreshed_other_aud": ("RefreshTokenInvalidAud", Reason.TOKEN_AUDIENCE),
    "refreshed_other_azp": ("RefreshTokenInvalidAzp", Reason.TOKEN_AUDIENCE),
    "refreshed_other_auth_time": ("MUST 32", Reason.AUTHENTICATION_AGE),
    "refreshed_with_nonce": ("MUST 32", Reason.TOKEN_NONCE),
}


@pytest.mark.parametrize(
    ("misbehaviour", "reason"),
    [
        pytest.param(name, reason, marks=pytest.mark.conformance(line, "MUST 32"), id=name)
        for name, (line, reason) in REFRESHED.items()
    ],
)
async def test_a_refreshed_id_token_of_somebody_else_ends_it(
    relying: Relying, misbehaviour: str, reason: Reason
) -> None:
    """The new access token is not used."""
    connection = refreshing(relying, max_age=600)
    relying.provider.misbehaviour = misbehaviour
    with pytest.raises(Refused) as refusal:
        await sign_in_forgetfully(relying, connection, 1)
    assert refusal.value.reason is reason
    assert relying.paths().count("/userinfo") == 1


# What is given back


@pytest.mark.conformance("MUST 60")
@pytest.mark.parametrize("refresh", [False, True])
async def test_what_is_left_over_is_revoked(relying: Relying, refresh: bool) -> None:
    relying.provider.refresh_tokens = refresh
    await relying.sign_in(relying.connection(revoke_tokens=True))
    [call] = relying.provider.calls("/revoke")
    assert call.form["token_type_hint"] == ("refresh_token" if refresh else "access_token")
    assert relying.paths()[-1] == "/revoke"
    assert not relying.provider.access_tokens
    assert not relying.provider.refresh_grants


async def test_nothing_is_revoked_unasked(relying: Relying) -> None:
    await relying.sign_in(relying.connection())
    assert "/revoke" not in relying.paths()


@pytest.mark.parametrize("endpoint", ["/nowhere", "/jwks"])
async def test_a_revocation_that_fails_costs_nobody_the_sign_in(relying: Relying, endpoint: str) -> None:
    connection = relying.connection(revoke_tokens=True, revocation_endpoint=f"{relying.provider.issuer}{endpoint}")
    assert (await relying.sign_in(connection)).mapped.attributes["email"] == EMAIL


# Claims of others


def trusting(relying: Relying, **changes: Any) -> Connection:
    source = relying.provider.source_issuer
    trusted = {"jwks_uri": f"{source}/source/jwks", "origins": [source], **changes}
    return relying.connection(
        profile_source="userinfo",
        claim_sources={source: trusted},
        claims={"email": "email", "phone": "phone_number", "score": "credit_score"},
    )


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param("aggregated", marks=pytest.mark.conformance("aggregated-claims")),
        pytest.param("distributed", marks=pytest.mark.conformance("distributed-claims")),
    ],
)
async def test_claims_of_a_trusted_source_are_taken(relying: Relying, kind: str) -> None:
    setattr(relying.provider, kind, {"phone_number": "+32470123456", "credit_score": 650})
    attributes = (await relying.sign_in(trusting(relying))).mapped.attributes
    assert (attributes["email"], attributes["phone"], attributes["score"]) == (EMAIL, "+32470123456", "650")
    assert ("/claims" in relying.paths()) is (kind == "distributed")


SOURCES: dict[str, Reason] = {
    "source_expired": Reason.TOKEN_EXPIRED,
    "source_names_overrides": Reason.CLAIM_SOURCE,
    "source_missing": Reason.CLAIM_SOURCE,
    "source_bad_signature": Reason.TOKEN_SIGNATURE,
    "source_alg_none": Reason.CLAIM_SOURCE,
}


@pytest.mark.conformance("aggregated-claims", "MUST 34")
@pytest.mark.parametrize("misbehaviour", SOURCES)
async def test_claims_that_are_not_proven_are_refused(relying: Relying, misbehaviour: str) -> None:
    relying.provider.aggregated = {"phone_number": "+32470123456"}
    relying.provider.misbehaviour = misbehaviour
    assert await refused(relying, trusting(relying)) is SOURCES[misbehaviour]


@pytest.mark.conformance("MUST 34")
async def test_a_source_can_not_replace_what_the_server_said(relying: Relying) -> None:
    relying.provider.aggregated = {"phone_number": "+32470123456"}
    relying.provider.misbehaviour = "source_overrides"
    connection = trusting(relying)
    with pytest.raises(Refused) as refusal:  # its audience is another client, too
        await relying.sign_in(connection)
    assert refusal.value.reason is Reason.TOKEN_AUDIENCE


@pytest.mark.conformance("distributed-claims", "MUST 34", "BAD 28")
async def test_distributed_claims_come_from_allowed_places_alone(relying: Relying) -> None:
    """A place that nobody allowed, inside of our own network, is not asked; the sign-in goes on without it."""
    relying.provider.distributed = {"credit_score": 650}
    relying.provider.misbehaviour = "source_inside"
    assert "score" not in (await relying.sign_in(trusting(relying))).mapped.attributes
    assert "/claims" not in relying.paths()


@pytest.mark.conformance("distributed-claims", "MUST 34")
async def test_claims_of_a_trusted_source_that_are_no_token_are_refused(relying: Relying) -> None:
    relying.provider.distributed = {"credit_score": 650}
    relying.provider.misbehaviour = "source_plain"
    assert await refused(relying, trusting(relying)) is Reason.RESPONSE_MALFORMED


@pytest.mark.conformance("MUST 34")
async def test_a_source_that_nobody_trusts_is_left_out_and_the_trusted_one_beside_it_is_taken(relying: Relying) -> None:
    relying.provider.aggregated = {"phone_number": "+32470123456"}
    relying.provider.misbehaviour = "source_foreign_beside"
    connection = trusting(relying)
    wanted = {"email": "email", "phone": "phone_number", "nick": "nickname"}
    config = ConnectionConfig.model_validate({**connection.config.model_dump(), "claims": wanted})
    attributes = (await relying.sign_in(connection.with_config(config))).mapped.attributes
    assert (attributes["email"], attributes["phone"]) == (EMAIL, "+32470123456")
    assert "nick" not in attributes


@pytest.mark.conformance("aggregated-claims", "MUST 34")
async def test_a_source_of_another_issuer_is_left_out(relying: Relying) -> None:
    relying.provider.aggregated = {"phone_number": "+32470123456"}
    relying.provider.misbehaviour = "source_wrong_iss"
    assert "phone" not in (await relying.sign_in(trusting(relying))).mapped.attributes


async def test_a_source_that_does_not_answer_costs_nobody_the_sign_in(relying: Relying) -> None:
    gone = listen()
    gone.close()
    relying.provider.distributed = {"credit_score": 650}
    relying.provider.distributed_at = f"{gone.url}/claims"
    connection = trusting(relying, origins=[relying.provider.source_issuer, gone.url])
    attributes = (await relying.sign_in(connection)).mapped.attributes
    assert (attributes["email"], "score" in attributes) == (EMAIL, False)


async def test_who_trusts_no_source_asks_none(relying: Relying) -> None:
    relying.provider.distributed = {"credit_score": 650}
    signed_in = await relying.sign_in(relying.connection(profile_source="userinfo"))
    assert signed_in.mapped.attributes["email"] == EMAIL
    assert "/claims" not in relying.paths()


# The subject where there is no ID token

SUBJECTS: list[tuple[Any, str | None]] = [
    ("person-1", "person-1"),
    ("1", "1"),
    (1, "1"),
    (0, "0"),
    (-7, "-7"),
    (2**63, "9223372036854775808"),
    ("ü" * 255, "ü" * 255),
    ("x" * 256, None),
    (10**255, None),
    ("", None),
    ("a\x00b", None),
    ("a\nb", None),
    ("a\x7fb", None),
    ("a\x9fb", None),
    (True, None),
    (False, None),
    (1.0, None),
    (1.5, None),
    (None, None),
    (["1"], None),
    ({"id": "1"}, None),
]


@pytest.mark.conformance("MUST 17")
@pytest.mark.parametrize(("found", "subject"), SUBJECTS)
@pytest.mark.parametrize("source", ["rest", "userinfo"])
async def test_a_subject_that_nobody_proved_is_one_all_the_same(
    relying: Relying, source: str, found: Any, subject: str | None
) -> None:
    """A REST API may count its people; a `sub` is a text. Nothing else identifies anybody, whatever it is made of."""
    rest = {"rest": {"url": f"{relying.provider.issuer}/api/person", "subject": "data.id"}} if source == "rest" else {}
    connection = relying.connection(
        issuer="", jwks_uri="", scopes=["profile"], issuer_in_response=False, profile_source=source, **rest
    )
    granted = Granted(relying.server(connection), Tokens(Secret("token"), None), None)
    claims = {"data": {"id": found}} if source == "rest" else {"sub": found}
    if subject is not None and (source == "rest" or isinstance(found, str)):
        assert subject_of(granted, claims) == subject
        return
    with pytest.raises(Refused) as refused:
        subject_of(granted, claims)
    path = "data.id" if source == "rest" else "sub"
    assert (refused.value.reason, refused.value.evidence) == (Reason.PROFILE_INCOMPLETE, f"no subject at {path}")
