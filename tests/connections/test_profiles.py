"""Security profiles in one word: the word alone is enough, and nothing that is said beside it makes it weaker."""

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import pytest
from pydantic import ValidationError

from entracte.connections.model import ConnectionConfig
from entracte.connections.profiles import Profile, fixed_by, settings_of
from entracte.connections.settings import ConnectionSettings, RequestObject
from entracte.protocol.authorization import RESPONSE_TYPES, ResponseMode
from entracte.protocol.client_auth import ClientAuthentication
from entracte.protocol.jwe import KEY_MANAGEMENT
from entracte.protocol.jws import JOSERFC_ALGORITHMS, MAC_ALGORITHMS
from entracte.protocol.signing import SIGNING_ALGORITHMS
from entracte.protocol.userinfo import BearerPlace

PROFILES = [profile for profile in Profile if profile]
SERVER = "https://login.example"
ENDPOINTS: dict[str, Any] = {
    "name": "bank",
    "title": "Bank",
    "client_id": "us",
    "issuer": SERVER,
    "authorization_endpoint": f"{SERVER}/authorize",
    "token_endpoint": f"{SERVER}/token",
    "jwks_uri": f"{SERVER}/jwks",
    "pushed_authorization_request_endpoint": f"{SERVER}/par",
}
_EVERY_ALGORITHM = sorted({*JOSERFC_ALGORITHMS, *MAC_ALGORITHMS})

VALUES: dict[str, list[Any]] = {
    "authentication": [one.value for one in ClientAuthentication],
    "signing_algorithm": list(SIGNING_ALGORITHMS),
    "response_type": list(RESPONSE_TYPES),
    "response_mode": ["", *(one.value for one in ResponseMode)],
    "push_requests": [True, False],
    "issuer_in_response": [True, False],
    "request_object": [one.value for one in RequestObject],
    "certificate_bound_tokens": [True, False],
    "assertion_audience": ["", f"{SERVER}/token", "https://other.example"],
    "userinfo_bearer": [one.value for one in BearerPlace],
    "user_in_response": [True, False],
    "signed_introspection": [True, False],
    "access_token_types": [("at+jwt", "application/at+jwt"), ("at+jwt", "jwt"), ("jwt",), ()],
    "id_token_algorithms": [
        (), *((name,) for name in _EVERY_ALGORITHM), ("none",), *combinations(("ES256", "PS256", "RS256", "HS256"), 2)
    ],
}  # fmt: skip
"""Every value of each setting that some profile fixes; of lists, those that somebody may think of."""

NOT_FIXED: dict[str, str] = {
    **dict.fromkeys(("name", "title", "client_id", "prefill_opt_ins", "claims"), "says nothing of security"),
    **dict.fromkeys(
        (
            "authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint", "end_session_endpoint",
            "check_session_iframe", "pushed_authorization_request_endpoint", "introspection_endpoint",
            "revocation_endpoint",
        ),
        "an address; it is https, whatever the profile",
    ),
    "issuer": "any, but there has to be one",
    "profile": "the word itself",
    "client_certificate": "which of our certificates we show",
    "dpop": "one of the two ways to bind an access token has to be there",
    "request_object_encryption": "RSA1_5 is none of the algorithms; encryption adds to the signature",
    "encryption_algorithm": "the same",
    "encrypted": "what is encrypted is signed inside, by the same algorithms",
    "signed_userinfo": "signed by the same algorithms",
    "max_age": "asks for more",
    "acr_values": "asks for more",
    "resource": "asks for less",
    "requested_claims": "what is told, not how; what it demands of the ID token is checked",
    "required_claims": "asks for more",
    "another_account_prompt": "which page of the server people see",
    "own_redirect_uri": "a defence besides `iss`, in place of nothing",
    "made_secret": "only where a secret is sent, and every profile proves itself otherwise",
    "scopes": "what is told, not how",
    "revoke_tokens": "gives a token back",
    "introspect_tokens": "asks once more; the answer is signed where messages are",
    "refresh_tokens": "a refresh token is bound as the access token is, and dies with the sign-in",
    "claim_sources": "their signatures are held to the same algorithms",
    "other_algorithms": "held to the same algorithms",
    "extra_parameters": "can name none of the parameters that we set, and none whose answer has to be checked",
    "profile_source": "each source proves what it tells; introspection by a signed answer where messages are signed",
    "rest": "the access token goes in the header",
    "access_token_audience": "an audience of ours",
    **dict.fromkeys(("sign_out", "sign_out_hint", "single_logout", "watch_session"), "after the sign-in"),
}  # fmt: skip
"""Every other setting, with why no profile has to fix it. A new setting has to be put into one of the two tables."""

COMPANIONS: dict[tuple[str, Any], dict[str, Any]] = {
    ("authentication", "tls_client_auth"): {"client_certificate": "-----BEGIN CERTIFICATE-----"},
    ("response_type", "code"): {"response_mode": "jwt"},
    ("response_mode", "jwt"): {"response_type": "code"},
}
"""What FAPI 1 wants beside a value that is not its first."""


def refusal(profile: Profile, **settings: Any) -> str:
    """Why a configuration is refused; empty when it is not."""
    try:
        ConnectionConfig.model_validate({**ENDPOINTS, "profile": profile.value, **settings})
    except ValidationError as error:
        return str(error.errors()[0]["msg"])
    return ""


def allowed(profile: Profile, name: str) -> tuple[Any, ...]:
    return fixed_by(profile).get(name, tuple(VALUES[name]))


def weaker(profile: Profile) -> Iterator[tuple[str, Any]]:
    """Each setting with each value that the profile does not have."""
    for name in fixed_by(profile):
        yield from ((name, value) for value in VALUES[name] if value not in allowed(profile, name))


def test_every_setting_is_fixed_or_argued() -> None:
    fixed = {name for profile in PROFILES for name in fixed_by(profile)}
    assert fixed == set(VALUES)
    assert not fixed & set(NOT_FIXED)
    assert fixed | set(NOT_FIXED) == set(ConnectionSettings.model_fields)


@pytest.mark.parametrize("profile", PROFILES)
def test_the_values_of_the_table_are_all_there_are(profile: Profile) -> None:
    """What a profile allows is among the values that the other tests try."""
    for name, values in fixed_by(profile).items():
        assert set(values) < set(VALUES[name])


@pytest.mark.parametrize("profile", PROFILES)
def test_the_word_alone_is_enough(profile: Profile) -> None:
    config = ConnectionConfig.model_validate({**ENDPOINTS, "profile": profile.value})
    for name, values in fixed_by(profile).items():
        assert getattr(config, name) == values[0]
    assert config.dpop or config.certificate_bound_tokens
    assert config.tells_servers_apart
    assert not config.uses_secret


@pytest.mark.parametrize("profile", PROFILES)
def test_no_option_weakens_it(profile: Profile) -> None:
    tried = list(weaker(profile))
    assert len(tried) > 30
    for name, value in tried:
        assert refusal(profile, **{name: value}).startswith("Value error, the profile"), (name, value)


@pytest.mark.parametrize("profile", PROFILES)
def test_no_two_options_together_weaken_it(profile: Profile) -> None:
    """What one option breaks, no other one mends: two at a time, the second weak or not, and with those that no
    profile fixes."""
    others: list[tuple[str, Any]] = [(name, value) for name in VALUES for value in VALUES[name]]
    others += [("dpop", True), ("dpop", False), ("push_requests", True), ("encryption_algorithm", "RSA-OAEP")]
    tried = 0
    for name, value in weaker(profile):
        for other, beside in others:
            if other != name:
                tried += 1
                assert refusal(profile, **{other: beside, name: value}), (name, value, other, beside)
    assert tried > 1000


@pytest.mark.parametrize("profile", PROFILES)
def test_each_value_that_it_allows_can_be_chosen(profile: Profile) -> None:
    for name, values in fixed_by(profile).items():
        for value in values:
            beside = COMPANIONS.get((name, value), {})
            beside = beside if profile is Profile.FAPI1_ADVANCED or name == "authentication" else {}
            assert refusal(profile, **{name: value, **beside}) == "", (name, value)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"dpop": False, "certificate_bound_tokens": False}, ""),
        ({"issuer": "", "authentication": "self_signed_tls_client_auth", "scopes": ["profile"]}, "issuer"),
        ({"rest": {"url": "https://api.example/me", "bearer": "form"}}, "rest.bearer"),
        ({"claim_sources": {SERVER: {"jwks_uri": f"{SERVER}/j"}}}, "claim_sources"),
        ({"other_algorithms": {"userinfo": ["RS256"]}}, "other_algorithms"),
        ({"other_algorithms": {"response": ["ES256"], "access_token": ["ES256", "RS256"]}}, "other_algorithms"),
        ({"claim_sources": {SERVER: {"jwks_uri": f"{SERVER}/j", "algorithms": ["ES256", "RS256"]}}}, "claim_sources"),
    ],
)  # fmt: skip
def test_what_several_settings_break_together(profile: Profile, settings: dict[str, Any], sentence: str) -> None:
    told = refusal(profile, **settings)
    assert told.startswith("Value error, the profile")
    assert sentence in told


def test_a_claim_source_with_a_good_signature_may_be_there() -> None:
    sources = {"https://c.example": {"jwks_uri": "https://c.example/j", "algorithms": ["ES256"]}}
    assert refusal(Profile.FAPI2_MESSAGE_SIGNING, claim_sources=sources) == ""


@pytest.mark.parametrize(
    ("response_type", "response_mode"), [("code", ""), ("code", "form_post"), ("code id_token", "jwt")]
)
def test_fapi_1_signs_the_response_or_has_an_id_token_in_it(response_type: str, response_mode: str) -> None:
    told = refusal(Profile.FAPI1_ADVANCED, response_type=response_type, response_mode=response_mode)
    assert "signed response" in told


@pytest.mark.parametrize("name", ["request", "request_uri", "response_mode", "redirect_uri", "code_challenge_method"])
def test_no_extra_parameter_says_what_a_profile_says(name: str) -> None:
    for profile in PROFILES:
        assert "an extra parameter overrides one that we set" in refusal(profile, extra_parameters={name: "x"})


def test_no_algorithm_that_fapi_forbids_is_there_at_all() -> None:
    """FAPI 1.0 Part 2 section 8.6.1: RSA1_5 is not used; and nothing is unsigned."""
    assert "RSA1_5" not in KEY_MANAGEMENT
    assert "none" not in _EVERY_ALGORITHM


def test_a_word_that_is_no_profile_sets_nothing() -> None:
    assert settings_of("fapi3") == settings_of(None) == settings_of("") == {}
