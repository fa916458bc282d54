"""Whom an answer proves, and what it vouches for: tokens, UserInfo and addresses that say something else."""

from typing import Any

import pytest

from entracte.participation.model import Profile
from entracte.protocol.errors import Reason
from tests.conformance.stage import FORM, Stage, back, follow, there
from tests.misbehaving_provider import Encryption

EMAIL = "ada@northwind.example"
DAY = 86_400


def profile(stage: Stage) -> Profile:
    """What a sign-in put on the participation."""
    browser, callback, returned = stage.sign_in()
    assert (callback.status, returned.path) == (303, f"{stage.campaign}/details")
    return there(stage.participation(browser).profile)


@pytest.mark.conformance("BAD 21")
@pytest.mark.parametrize(
    ("settings", "misbehaviour", "reason"),
    [
        ({}, "other_alg", Reason.TOKEN_ALGORITHM),
        ({}, "unknown_alg", Reason.TOKEN_ALGORITHM),
        ({"id_token_algorithms": ["PS256"]}, "", Reason.TOKEN_ALGORITHM),
        ({"response_type": "id_token", "profile_source": "id_token"}, "alg_none", Reason.TOKEN_ALGORITHM),
        ({"response_type": "code id_token"}, "alg_none", Reason.TOKEN_ALGORITHM),
        ({"response_type": "id_token token"}, "alg_none_with_signature", Reason.TOKEN_ALGORITHM),
        ({}, "missing_iat", Reason.TOKEN_CLAIM),
        ({}, "text_iat", Reason.TOKEN_CLAIM),
        ({}, "old_iat", Reason.TOKEN_TOO_OLD),
        ({}, "future_iat", Reason.TOKEN_EXPIRED),
        ({}, "infinite_iat", Reason.TOKEN_MALFORMED),
    ],
)
def test_an_algorithm_or_a_time_that_is_not_as_agreed(
    stage: Stage, settings: dict[str, Any], misbehaviour: str, reason: Reason
) -> None:
    """Also from the authorization endpoint, where an unsigned ID token would be anybody's; UserInfo is not asked."""
    stage.openid(**settings)
    stage.provider.misbehaviour = misbehaviour
    assert stage.refused()[0] == reason.code
    assert "/userinfo" not in stage.asked()


@pytest.mark.conformance("MUST 29", "BAD 25")
def test_one_document_vouches_for_no_address_of_another(stage: Stage) -> None:
    """The ID token says that an address is verified; UserInfo tells another address and says nothing of it."""
    stage.openid()
    assert "email" in profile(stage).verified, "where UserInfo vouches itself"
    stage.provider.misbehaviour = "userinfo_other_email"
    kept = profile(stage)
    assert kept.attributes["email"] == "bob@attacker.example"
    assert "email" not in kept.verified


@pytest.mark.conformance("MUST 29", "BAD 25")
def test_userinfo_vouches_for_no_address_of_the_id_token(stage: Stage) -> None:
    """The other way around: the profile is the ID token's, and UserInfo, which vouches, is not asked."""
    stage.connect()
    stage.provider.person["email_verified"] = None
    assert profile(stage).verified == frozenset()
    assert "/userinfo" not in stage.asked()


@pytest.mark.conformance("MUST 30", "BAD 44")
def test_a_person_is_issuer_and_subject_byte_for_byte(stage: Stage) -> None:
    """Neither a user name nor an address, in whatever case; and a subject that differs in case is somebody else. What
    is kept is a keyed hash, as bytes, which no collation of a database compares as text."""
    stage.connect()

    def mark(subject: str, **claims: str) -> bytes:
        stage.provider.person = {"sub": subject, "preferred_username": "user1", "email": EMAIL, **claims}
        return profile(stage).person

    one = mark("user1")
    assert mark("user1", preferred_username="somebody", email="new@northwind.example") == one
    others = ["User1", "USER1", "user1 ", "us\u0435r1", "user\u00e9", "usere\u0301", "\uff55ser1", "person-1"]
    marks = {mark(subject) for subject in others}
    assert len(marks) == len(others)
    assert one not in marks


@pytest.mark.conformance("MUST 30", "MUST 28", "BAD 44", "BAD 45")
@pytest.mark.parametrize("misbehaviour", ["userinfo_other_sub", "userinfo_sub_in_other_case", "userinfo_missing_sub"])
def test_userinfo_of_another_subject_is_nobodys(stage: Stage, misbehaviour: str) -> None:
    stage.openid()
    stage.provider.misbehaviour = misbehaviour
    assert stage.refused()[0] in (Reason.USERINFO_SUBJECT.code, Reason.RESPONSE_MALFORMED.code)


@pytest.mark.conformance("BAD 45", "MUST 15")
@pytest.mark.parametrize(
    ("misbehaviour", "path"),
    [("wrong_iss", ""), ("slash_iss", ""), ("", "/tenant-of-others/v2.0"), ("", "/b2c_1_another_policy"), ("", "/")],
)
def test_a_token_of_another_issuer_tenant_or_policy(stage: Stage, misbehaviour: str, path: str) -> None:
    """Servers that serve many have an issuer for each, and sign for all with the same keys."""
    stage.openid(issuer=f"{stage.provider.issuer}{path}", issuer_in_response=False)
    stage.provider.misbehaviour = misbehaviour
    reason, _evidence = stage.refused()
    # an answer that names its issuer, though nothing announced that, is compared as well
    assert reason == (Reason.ISSUER_MISMATCH if path else Reason.TOKEN_ISSUER).code
    assert "/userinfo" not in stage.asked()


@pytest.mark.conformance("MUST 33")
@pytest.mark.parametrize(
    ("settings", "misbehaviour", "reason"),
    [
        ({"max_age": 600}, "", ""),
        ({"max_age": 600}, "missing_auth_time", Reason.AUTHENTICATION_AGE.code),
        ({"max_age": 600}, "old_auth_time", Reason.AUTHENTICATION_AGE.code),
        ({"acr_values": ["high"]}, "", ""),
        ({"acr_values": ["high"]}, "missing_acr", Reason.AUTHENTICATION_CONTEXT.code),
        ({"acr_values": ["high"]}, "wrong_acr", Reason.AUTHENTICATION_CONTEXT.code),
    ],
)
def test_what_was_asked_of_the_authentication_is_checked(
    stage: Stage, settings: dict[str, Any], misbehaviour: str, reason: str
) -> None:
    stage.connect(**settings)
    _browser, address = stage.at_the_login()
    assert ("max_age=600" in address) == ("max_age" in settings)
    assert ("acr_values=high" in address) == ("acr_values" in settings)
    stage.provider.misbehaviour = misbehaviour
    if not reason:
        assert profile(stage).attributes["email"] == EMAIL
    else:
        assert stage.refused()[0] == reason


@pytest.mark.conformance("MUST 26", "BAD 14")
def test_what_does_not_open_is_told_in_one_way(stage: Stage) -> None:
    """A wrong key, a bad tag, a changed text, bad padding of the key: the same reason and the same evidence, and one
    page for the participant. RSAES-OAEP and the content are opened by one call of the library each, which compares in
    constant time and is not told why; we look at neither clock nor text after it (RFC 7516 section 11.5)."""
    stage.connect(encrypted=["id_token"], encryption_algorithm="RSA-OAEP")
    stage.provider.id_token_encryption = Encryption("RSA-OAEP")
    assert profile(stage).attributes["email"] == EMAIL
    told = set()
    for misbehaviour in ("encrypted_bad_key", "encrypted_bad_tag", "encrypted_bad_content"):
        stage.provider.misbehaviour = misbehaviour
        told.add(stage.refused())
    assert len(told) == 1
    assert told.pop()[0] == Reason.TOKEN_ENCRYPTION.code


@pytest.mark.conformance("BAD 36")
@pytest.mark.parametrize(
    "email",
    [
        "attacker@x.example,ada@northwind.example", "attacker@x.example, ada@northwind.example",
        "attacker@x.example@northwind.example", "attacker@x.example;ada@northwind.example",
        "attacker@x.example ada@northwind.example", "attacker@x.example\nada@northwind.example",
        "<ada@northwind.example>", "Ada <ada@northwind.example>", "ada@northwind.example\0@x.example",
        "@northwind.example", "ada@", "ada@northwind.example@",
    ],
)  # fmt: skip
def test_several_addresses_in_one_are_none(stage: Stage, email: str) -> None:
    """From the account or typed, it is not kept as an address of anybody, and no entry has it."""
    stage.connect()
    stage.provider.person["email"] = email
    browser, _callback, returned = stage.sign_in()
    assert browser.get(returned.path).status == 200
    form = [FORM[0], ("email", email), *FORM[2:]]
    assert browser.post(f"{stage.campaign}/details", form).status in (400, 422)
    assert stage.participation(browser).entered_at is None
    mended = browser.post(f"{stage.campaign}/details", FORM)
    assert mended.status == 303, "where it can not be right, it can be mended"


@pytest.mark.conformance("MUST 58")
def test_what_an_account_tells_is_data(stage: Stage) -> None:
    """Markup, formulas, controls and 20 000 characters: escaped and cut, in fields that the person can change; and
    the entry says which value came from the account."""
    stage.connect()
    nasty = '=HYPERLINK("http://evil.example")<script>alert(1)</script>\x07\u202e' + "x" * 20_000
    stage.provider.person.update(given_name=nasty, family_name="\u0000")
    browser, address = stage.at_the_login()
    page = follow(browser, back(address)).body
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
    assert "\x07" not in page
    assert "\u202e" not in page
    kept = str(there(stage.participation(browser).profile).attributes["first_name"])
    assert len(kept) <= 1000
    assert "x" * 1001 not in page
    assert 'name="first_name"' in page
    assert browser.post(f"{stage.campaign}/details", FORM).status == 303
    number, campaign = stage.site.organization.number, stage.participation(browser).campaign
    [entry] = stage.site.work(lambda store: store.participations.latest_entries(number, campaign, 5))
    assert entry.values["first_name"] == "Zoe"
    assert {name: outcome.value for name, outcome in entry.outcomes.items()} == {
        "first_name": "edited", "email": "kept", "phone": "blank", "news": "blank", "rules": "typed",
    }  # fmt: skip


@pytest.mark.conformance("MUST 8")
@pytest.mark.parametrize(
    ("settings", "defence"),
    [
        ({}, True),
        ({"issuer_in_response": False}, False),
        ({"issuer_in_response": False, "response_type": "code id_token"}, True),
        ({"issuer_in_response": False, "response_mode": "query.jwt"}, True),
    ],
)
def test_an_answer_that_was_mixed_up_tells_its_code_to_nobody(
    stage: Stage, settings: dict[str, Any], defence: bool
) -> None:
    """The connection is one at a hostile server, which leads the browser on to an honest one: its answer comes with our
    state. `iss`, the ID token or the signature say whose it is, before the code goes anywhere. A connection that has
    none of them says so."""
    connection = stage.connect(**settings)
    assert connection.config.tells_servers_apart is defence
    issuer = "http://127.0.0.1:9/hostile"
    hostile = connection.with_config(connection.config.model_copy(update={"issuer": issuer}))
    assert stage.site.work(lambda store: store.connections.replace(hostile))
    if settings.get("issuer_in_response") is False:
        stage.provider.misbehaviour = "callback_missing_iss"
    browser, address = stage.at_the_login()
    follow(browser, browser.carry_back(address).path)
    assert ("/token" in stage.asked()) is not defence
    assert stage.participation(browser).profile is None
