"""Which accounts a connection takes, through the whole sign-in: by the ID token, before anything further is asked; and
by the profile's source where there is none."""

from typing import Any

import pytest
from pydantic import ValidationError

from entracte.connections.required_claims import check_account
from entracte.connections.sign_in import person_hash
from entracte.protocol.errors import Reason, Refused
from tests.connections.relying import PERSON_KEY, Relying
from tests.misbehaving_provider.model import PERSON
from tests.protocol.refusals import outcome

NORTHWIND = {"hd": ["northwind.example"]}


def is_taken(claims: dict[str, Any], required: dict[str, Any]) -> bool:
    found = outcome(lambda: check_account(claims, required))
    assert found is None or (isinstance(found, Refused) and found.reason is Reason.ACCOUNT_NOT_ACCEPTED)
    return found is None


@pytest.mark.parametrize(
    ("told", "accepted", "taken"),
    [
        ("a", ["a"], True),
        ("a", ["b", "a"], True),
        (["b", "a"], ["a", "c"], True),
        (["b", 1], ["a"], False),
        ([], ["a"], False),
        ("a", ["b"], False),
        ("A", ["a"], False),
        ("a ", ["a"], False),
        ("caf\u00e9", ["cafe\u0301"], False),
        (None, ["a"], False),
        ("", [""], True),
        (True, [True], True),
        (False, [True], False),
        (1, [True], False),
        (True, [1], False),
        (0, [False], False),
        ([True], [1], False),
        ("true", [True], False),
        ("1", [1], False),
        (1, ["1"], False),
        (0, [0], True),
        (1.0, [1], True),
        (1, [1.5], False),
        (2**53 + 1, [float(2**53)], False),
        ({"a": "a"}, ["a"], False),
        ([["a"]], ["a"], False),
    ],
)
def test_one_of_the_values_exactly(told: Any, accepted: list[Any], taken: bool) -> None:
    assert is_taken({"claim": told, "sub": "1"}, {"claim": accepted}) is taken


def test_each_required_claim_has_to_be_there() -> None:
    required = {"hd": ["a"], "organization.roles": ["player", "editor"], '"https://a.example/tier"': [2]}
    claims: dict[str, Any] = {"hd": "a", "organization": {"roles": ["editor"]}, "https://a.example/tier": 2}
    assert is_taken(claims, {})
    assert is_taken(claims, required)
    for name in claims:
        assert not is_taken({other: value for other, value in claims.items() if other != name}, required)


@pytest.mark.conformance("MUST 53")
@pytest.mark.parametrize("told", ["canary.example", None])
def test_the_evidence_names_the_claim_and_nothing_that_it_says(told: str | None) -> None:
    with pytest.raises(Refused) as refused:
        check_account({"hd": told}, NORTHWIND)
    assert refused.value.evidence == ("The claim hd has another value." if told else "The claim hd is missing.")
    assert not {"canary", "northwind"} & set(str(refused.value).replace(".", " ").split())


@pytest.mark.parametrize("required", [{"hd": []}, {"hd": "a"}, {"": ["a"]}, {"hd": [None]}, {"hd": [["a"]]}, ["hd"]])
def test_what_nobody_could_have_is_not_kept(relying: Relying, required: Any) -> None:
    with pytest.raises(ValidationError):
        relying.connection(required_claims=required)


def test_a_value_keeps_its_type(relying: Relying) -> None:
    given = {"a": ("1", 1, True, 1.5)}
    kept = relying.connection(required_claims=given).config.required_claims
    assert [(type(value), value) for value in kept["a"]] == [(str, "1"), (int, 1), (bool, True), (float, 1.5)]


async def refused(relying: Relying, **settings: Any) -> Reason:
    with pytest.raises(Refused) as refusal:
        await relying.sign_in(relying.connection(**settings))
    return refusal.value.reason


async def test_an_account_with_the_claim_is_taken(relying: Relying) -> None:
    relying.provider.person = {**PERSON, "hd": "northwind.example"}
    signed_in = await relying.sign_in(relying.connection(required_claims=NORTHWIND))
    assert signed_in.person == person_hash(PERSON_KEY, relying.provider.issuer, "person-1")


@pytest.mark.parametrize("told", [{}, {"hd": "contoso.example"}, {"hd": ""}])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"profile_source": "userinfo"},
        {"introspect_tokens": True},
        {"profile_source": "introspection", "revoke_tokens": True},
        {"response_type": "code id_token", "response_mode": "form_post", "profile_source": "userinfo"},
    ],
)
async def test_another_account_is_refused_and_nothing_further_is_asked(
    relying: Relying, told: dict[str, str], settings: dict[str, Any]
) -> None:
    relying.provider.person = {**PERSON, **told}
    assert await refused(relying, required_claims=NORTHWIND, **settings) is Reason.ACCOUNT_NOT_ACCEPTED
    assert set(relying.paths()) == {"/authorize", "/token", "/jwks"}


@pytest.mark.conformance("BAD 45")
@pytest.mark.parametrize("claim", ["tid", "tfp"])
async def test_a_token_of_another_tenant_or_policy(relying: Relying, claim: str) -> None:
    """Where one issuer serves several, the claim that tells them apart is required."""
    connection = relying.connection(required_claims={claim: ["ours"]})
    relying.provider.person = {**PERSON, claim: "ours"}
    await relying.sign_in(connection)
    for other in ({claim: "theirs"}, {}):
        relying.provider.person = {**PERSON, **other}
        with pytest.raises(Refused) as refusal:
            await relying.sign_in(connection)
        assert refusal.value.reason is Reason.ACCOUNT_NOT_ACCEPTED


async def test_a_token_that_is_not_proven_decides_nothing(relying: Relying) -> None:
    """A forged token says what it likes: it is refused for what it is."""
    relying.provider.person = {**PERSON, "hd": "northwind.example"}
    relying.provider.misbehaviour = "bad_signature"
    assert await refused(relying, required_claims=NORTHWIND) is Reason.TOKEN_SIGNATURE


PLAIN = {"issuer": "", "jwks_uri": "", "scopes": ["profile"], "issuer_in_response": False}


@pytest.mark.parametrize(
    "source",
    [
        {"profile_source": "userinfo"},
        {"profile_source": "introspection"},
        {"profile_source": "rest", "rest": {"url": "/api/person", "person": "data.people.0"}},
    ],
)
async def test_without_an_id_token_the_source_of_the_profile_decides(relying: Relying, source: dict[str, Any]) -> None:
    if "rest" in source:
        source = {**source, "rest": {**source["rest"], "url": f"{relying.provider.issuer}/api/person"}}
    settings = {**PLAIN, **source}
    required = {"address.locality": ["Paris", "London"], "email_verified": [True]}
    await relying.sign_in(relying.connection(**settings, required_claims=required))
    assert await refused(relying, **settings, required_claims=NORTHWIND) is Reason.ACCOUNT_NOT_ACCEPTED


async def test_what_others_vouch_for_decides_nothing(relying: Relying) -> None:
    """An aggregated `hd`, of a source that the connection trusts for the profile: and the source is not even asked."""
    provider = relying.provider
    provider.distributed = {"hd": "northwind.example"}
    trusted = {provider.source_issuer: {"jwks_uri": f"{provider.source_issuer}/source/jwks",
                                        "origins": [provider.source_issuer]}}  # fmt: skip
    settings = {"claim_sources": trusted, "required_claims": NORTHWIND}
    for more in ({}, {**PLAIN, "profile_source": "userinfo"}):
        assert await refused(relying, **settings, **more) is Reason.ACCOUNT_NOT_ACCEPTED
        assert "/claims" not in relying.paths()
