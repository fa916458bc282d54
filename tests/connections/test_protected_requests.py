"""The request itself, protected: pushed, signed, encrypted; and who we are, proven in every way. The server checks."""

import json
import ssl
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from entracte.connections.authorization_request import kept_request
from entracte.connections.key_rotation import PUBLISHED_FIRST, without_leaked
from entracte.connections.model import KeyUse
from entracte.connections.opened_keys import opened
from entracte.connections.own_keys import new_keys
from entracte.fetch import tls_context
from entracte.protocol.client_auth import ASSERTION_AGE
from entracte.protocol.dpop import thumbprint
from entracte.protocol.errors import Reason, Refused
from entracte.values import entropy, now
from tests.connections.keyed import rotated_at
from tests.connections.relying import KEYS, OAUTH_URL, Relying, relying_on
from tests.misbehaving_provider import Certified, Encryption, MisbehavingProvider, authority

EMAIL = "ada@northwind.example"


def claims_of(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    claims: dict[str, Any] = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


async def signed_in(relying: Relying, **config: Any) -> None:
    assert (await relying.sign_in(relying.connection(**config))).mapped.attributes["email"] == EMAIL


# Client authentication


@pytest.mark.parametrize(
    ("method", "provider_wants"),
    [
        pytest.param("client_secret_basic", "client_secret_basic", marks=pytest.mark.conformance("B14")),
        ("client_secret_post", "client_secret_post"),
        ("client_secret_jwt", "client_secret_jwt"),
        ("private_key_jwt", "private_key_jwt"),
        ("none", "none"),
    ],
)
async def test_the_client_proves_itself_in_the_registered_way(
    relying: Relying, method: str, provider_wants: str
) -> None:
    relying.provider.authentication = provider_wants
    relying.provider.client_secret = "a secret of more than thirty-two bytes"
    await signed_in(relying, authentication=method)
    [call] = relying.provider.calls("/token")
    assert ("client_secret" in call.form) is (method == "client_secret_post")
    assert ("authorization" in call.headers) is (method == "client_secret_basic")


@pytest.mark.conformance("MUST 46", "BAD 48")
@pytest.mark.parametrize("method", ["client_secret_jwt", "private_key_jwt"])
async def test_an_assertion_is_for_the_issuer_alone_and_once(relying: Relying, method: str) -> None:
    """Whatever address the token endpoint has: an assertion for that address could be used at somebody else's."""
    relying.provider.authentication = method
    relying.provider.client_secret = "a secret of more than thirty-two bytes"
    connection = relying.connection(authentication=method)
    for _ in range(2):
        await relying.sign_in(connection)
    first, second = (claims_of(call.form["client_assertion"]) for call in relying.provider.calls("/token"))
    assert first["aud"] == relying.provider.issuer
    assert first["iss"] == first["sub"] == relying.provider.client_id
    assert 0 < first["exp"] - first["iat"] <= ASSERTION_AGE
    assert first["jti"] != second["jti"]


@pytest.mark.parametrize("algorithm", ["PS256", "RS256", "ES256", "ES384", "EdDSA"])
async def test_an_assertion_is_signed_as_registered(relying: Relying, algorithm: str) -> None:
    relying.provider.authentication = "private_key_jwt"
    await signed_in(relying, authentication="private_key_jwt", signing_algorithm=algorithm)


async def test_a_key_that_the_server_does_not_know_is_a_refused_client(relying: Relying) -> None:
    relying.provider.authentication = "private_key_jwt"
    connection = relying.connection(authentication="private_key_jwt")
    relying.provider.client_jwks = {"keys": []}
    with pytest.raises(Refused) as refused:
        await relying.sign_in(connection)
    assert refused.value.reason is Reason.CLIENT_REFUSED
    assert relying.paths() == ["/authorize", "/token"]


# Mutual TLS


@pytest.fixture
async def by_tls() -> AsyncIterator[Relying]:
    """A provider with TLS, and a second address that asks for certificates."""
    provider = MisbehavingProvider(https=True, mtls=True, only_mtls_aliases=True)
    async with relying_on(provider, tls=trusting_the_provider) as sides:
        yield sides


def trusting_the_provider() -> ssl.SSLContext:
    context = tls_context()
    context.load_verify_locations(cadata=authority().certificate.decode())
    return context


def aliases(relying: Relying) -> dict[str, str]:
    address = relying.provider.mtls_issuer
    return {"token_endpoint": f"{address}/token", "userinfo_endpoint": f"{address}/userinfo"}


@pytest.mark.conformance("mtls-endpoint-aliases")
async def test_a_certificate_that_we_signed_ourselves(by_tls: Relying) -> None:
    by_tls.provider.authentication = "self_signed_tls_client_auth"
    config = {"authentication": "self_signed_tls_client_auth", "profile_source": "userinfo", **aliases(by_tls)}
    connection = by_tls.connection(**config)
    certificate = opened(connection, KEYS, now()).certificate
    assert certificate is not None
    by_tls.provider.trust_certificate(client_certificate_of(certificate.chain))
    assert (await by_tls.sign_in(connection)).mapped.attributes["email"] == EMAIL
    assert all(call.certificate for path in ("/token", "/userinfo") for call in by_tls.provider.calls(path))
    assert not by_tls.provider.calls("/jwks")[0].certificate


def client_certificate_of(chain: str) -> Certified:
    return Certified(chain.encode(), b"")


async def test_a_certificate_that_the_server_does_not_know(by_tls: Relying) -> None:
    by_tls.provider.authentication = "self_signed_tls_client_auth"
    connection = by_tls.connection(authentication="self_signed_tls_client_auth", **aliases(by_tls))
    with pytest.raises(Refused) as refused:
        await by_tls.sign_in(connection)
    assert refused.value.reason in (Reason.CLIENT_REFUSED, Reason.PROVIDER_UNREACHABLE)
    assert connection.own_keys[0].use is KeyUse.TLS


# Pushed and signed requests


@pytest.mark.parametrize("authentication", ["client_secret_basic", "private_key_jwt"])
async def test_a_pushed_request_leaves_the_reference_alone_in_the_browser(
    relying: Relying, authentication: str
) -> None:
    relying.provider.par_required = True
    relying.provider.authentication = authentication
    connection = relying.connection(push_requests=True, authentication=authentication)
    url = await relying.begin(connection)
    assert parse_qs(urlsplit(url).query).keys() == {"client_id", "request_uri"}
    assert (await relying.carry(connection, url)).mapped.attributes["email"] == EMAIL
    [call] = relying.provider.calls("/par")
    assert call.form["code_challenge_method"] == "S256"


@pytest.mark.parametrize(
    ("misbehaviour", "reason"),
    [("par_missing_request_uri", Reason.RESPONSE_MALFORMED)],
)
async def test_a_pushed_request_that_is_not_answered_well(relying: Relying, misbehaviour: str, reason: Reason) -> None:
    relying.provider.misbehaviour = misbehaviour
    with pytest.raises(Refused) as refused:
        await relying.begin(relying.connection(push_requests=True))
    assert refused.value.reason is reason
    assert relying.paths() == ["/par"]


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "EdDSA"])
@pytest.mark.parametrize("pushed", [False, True])
async def test_a_signed_request_has_everything_inside(relying: Relying, algorithm: str, pushed: bool) -> None:
    relying.provider.request_object_required = True
    relying.provider.request_object_algorithm = algorithm
    connection = relying.connection(
        request_object="value", signing_algorithm=algorithm, push_requests=pushed, max_age=600,
        requested_claims={"userinfo": {"email": {"essential": True}}}, resource=["https://api.example"],
    )  # fmt: skip
    url = await relying.begin(connection)
    assert (await relying.carry(connection, url)).mapped.attributes["email"] == EMAIL
    beside = relying.provider.calls("/par")[0].form if pushed else relying.provider.calls("/authorize")[0].query
    # what OpenID Connect Core section 6.1 wants besides, and RFC 9126 section 3 does not
    assert beside.keys() == {"client_id", "request"} | (set() if pushed else {"response_type", "scope"})
    inside = claims_of(beside["request"])
    assert (inside["iss"], inside["aud"]) == (relying.provider.client_id, relying.provider.issuer)
    assert inside["max_age"] == 600
    assert inside["claims"] == {"userinfo": {"email": {"essential": True}}}
    assert inside["resource"] == "https://api.example"
    assert inside["exp"] - inside["nbf"] <= 3600


async def test_an_encrypted_request_is_opened_by_the_server(relying: Relying) -> None:
    relying.provider.request_object_required = relying.provider.decrypts_requests = True
    await signed_in(relying, request_object="value", request_object_encryption="RSA-OAEP-256")
    assert relying.provider.calls("/authorize")[0].query["request"].count(".") == 4


async def test_without_a_key_to_encrypt_to_nothing_is_sent(relying: Relying) -> None:
    with pytest.raises(Refused) as refused:
        await relying.begin(relying.connection(request_object="value", request_object_encryption="RSA-OAEP"))
    assert refused.value.reason is Reason.JWKS_MALFORMED
    assert relying.paths() == ["/jwks"]


# DPoP


@pytest.mark.parametrize(
    ("nonce", "misbehaviour"),
    [
        pytest.param(False, "", marks=pytest.mark.conformance("fapi2-happy-path-no-dpop-nonce")),
        pytest.param(True, "", marks=pytest.mark.conformance("fapi2-happy-path")),
        pytest.param(
            True, "dpop_scheme_case", marks=pytest.mark.conformance("fapi2-rs-dpop-auth-scheme-case-insensitivity")
        ),
    ],
)
async def test_a_bound_token_is_proven_at_each_place(relying: Relying, nonce: bool, misbehaviour: str) -> None:
    relying.provider.dpop_required, relying.provider.dpop_nonce = True, nonce
    relying.provider.misbehaviour = misbehaviour
    await signed_in(relying, dpop=True, profile_source="userinfo")
    proofs = [call.headers["dpop"] for path in ("/token", "/userinfo") for call in relying.provider.calls(path)]
    assert len(proofs) == (4 if nonce else 2)
    assert len({claims_of(proof)["jti"] for proof in proofs}) == len(proofs)
    [*_, last] = relying.provider.calls("/userinfo")
    assert last.headers["authorization"].startswith("DPoP ")


@pytest.mark.parametrize(
    "misbehaviour", ["dpop_nonce_loop", "dpop_nonce_absent", "dpop_nonce_strange", "dpop_nonce_huge"]
)
async def test_a_server_that_is_never_content_with_a_nonce_is_asked_twice_at_most(
    relying: Relying, misbehaviour: str
) -> None:
    relying.provider.dpop_required = True
    relying.provider.misbehaviour = misbehaviour
    with pytest.raises(Refused):
        await relying.sign_in(relying.connection(dpop=True))
    assert relying.paths().count("/token") == (2 if misbehaviour == "dpop_nonce_loop" else 1)


async def test_the_code_is_bound_to_our_key_from_the_start(relying: Relying) -> None:
    url = await relying.begin(relying.connection(dpop=True))
    [thumbprint] = parse_qs(urlsplit(url).query)["dpop_jkt"]
    assert len(thumbprint) == 43


@pytest.mark.parametrize("pushed", [False, True])
@pytest.mark.parametrize("rotated_after", ["begun", "begun, long before"])
async def test_a_rotation_of_our_keys_ends_no_sign_in_under_way(
    relying: Relying, pushed: bool, rotated_after: str
) -> None:
    """The code is bound to the key that was named when it was asked for: also when another one is used before it comes,
    because its hour ends just then."""
    relying.provider.dpop_required = True
    kept = relying.connection(dpop=True, push_requests=pushed, profile_source="userinfo")
    old = kept.own_keys[0].model_copy(update={"created_at": now() - 2 * PUBLISHED_FIRST})
    kept = replace(kept, own_keys=(old,))
    if rotated_after != "begun":
        kept = rotated_at(kept, now() + 20 - PUBLISHED_FIRST)
    url = await relying.begin(kept)
    if rotated_after == "begun":
        kept = rotated_at(kept, now())
    relying.ahead = 40
    assert (await relying.carry(kept, url)).mapped.attributes["email"] == EMAIL
    in_use = opened(kept, KEYS, now() + relying.ahead).proof
    assert in_use is not None
    assert (in_use.kid == old.kid) is (rotated_after == "begun")
    proofs = [call.headers["dpop"] for call in relying.provider.requests if "dpop" in call.headers]
    assert len(proofs) == (3 if pushed else 2)
    assert {json.loads(urlsafe_b64decode(proof.split(".")[0] + "=="))["jwk"]["x"] for proof in proofs} == {
        old.public["x"]
    }


async def test_a_key_that_leaked_ends_them(relying: Relying) -> None:
    """The provider binds codes indeed."""
    kept = relying.connection(dpop=True)
    url = await relying.begin(kept)
    leaked = without_leaked(kept, new_keys(kept, KEYS, entropy, now()))
    with pytest.raises(Refused) as refused:
        await relying.carry(leaked, url)
    assert refused.value.reason is Reason.TOKEN_REFUSED
    assert (await relying.sign_in(leaked)).mapped.attributes["email"] == EMAIL


async def test_a_request_that_is_kept_here_names_the_key_of_its_beginning(relying: Relying) -> None:
    kept = relying.connection(dpop=True, request_object="reference")
    [reference] = parse_qs(urlsplit(await relying.begin(kept)).query)["request_uri"]
    before = opened(kept, KEYS, now()).proof
    assert before is not None
    old = [key.model_copy(update={"created_at": now() - 2 * PUBLISHED_FIRST}) for key in kept.own_keys]
    after = rotated_at(replace(kept, own_keys=tuple(old)), now() + 20 - PUBLISHED_FIRST)
    relying.ahead = 40
    request = await kept_request(relying.server(after), reference.rpartition("/")[2], OAUTH_URL)
    assert claims_of(request.reveal())["dpop_jkt"] == thumbprint(before)


async def test_a_bearer_token_where_a_bound_one_was_asked_for_is_refused(relying: Relying) -> None:
    relying.provider.dpop_required = True
    relying.provider.misbehaviour = "token_type_mac"
    with pytest.raises(Refused) as refused:
        await relying.sign_in(relying.connection(dpop=True))
    assert refused.value.reason is Reason.TOKEN_TYPE


# The words that name a profile


@pytest.mark.conformance("fapi2-happy-path")
@pytest.mark.parametrize("profile", ["fapi2-security", "fapi2-message-signing"])
async def test_a_profile_in_one_word_signs_in(relying: Relying, profile: str) -> None:
    provider = relying.provider
    provider.authentication, provider.par_required, provider.dpop_required = "private_key_jwt", True, True
    provider.algorithm, provider.dpop_nonce = "ES256", True
    provider.request_object_required = profile == "fapi2-message-signing"
    await signed_in(relying, profile=profile, profile_source="userinfo")


@pytest.mark.conformance("fapi1-happy-path", "fapi1-encrypted-idtoken")
async def test_fapi_1_advanced_signs_in(by_tls: Relying) -> None:
    provider = by_tls.provider
    provider.authentication, provider.request_object_required = "private_key_jwt", True
    provider.algorithm, provider.id_token_encryption = "PS256", Encryption("RSA-OAEP")
    connection = by_tls.connection(
        profile="fapi1-advanced", encryption_algorithm="RSA-OAEP", encrypted=["id_token"], **aliases(by_tls)
    )
    certificate = opened(connection, KEYS, now()).certificate
    assert certificate is not None
    provider.trust_certificate(client_certificate_of(certificate.chain))
    assert (await by_tls.sign_in(connection)).mapped.attributes["email"] == EMAIL
