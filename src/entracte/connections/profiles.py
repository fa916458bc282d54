"""Security profiles in one word: what each fixes of a connection, as a table.

FAPI 1.0 Advanced (Financial-grade API Security Profile 1.0 Part 2), FAPI 2.0 Security Profile and FAPI 2.0 Message
Signing. The first value of each line is the one that is set when nothing is said; any other value of the line may be
chosen, and nothing else.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any


class Profile(StrEnum):
    """The profiles, by the words that a connection names them with."""

    NONE = ""
    FAPI1_ADVANCED = "fapi1-advanced"
    FAPI2_SECURITY = "fapi2-security"
    FAPI2_MESSAGE_SIGNING = "fapi2-message-signing"


_SIGNATURES = ("PS256", "ES256")
_SIGNATURES_2 = ("ES256", "PS256", "EdDSA")
_TLS = ("self_signed_tls_client_auth", "tls_client_auth")

_BOTH: Mapping[str, tuple[Any, ...]] = {
    "authentication": ("private_key_jwt", *_TLS),
    # the issuer, and no other name of the server (FAPI 2.0 Security Profile section 5.3.3.1)
    "assertion_audience": ("",),
    "access_token_types": (("at+jwt", "application/at+jwt"),),
    # an access token goes in the header (FAPI 1.0 Part 1 section 6.2.2, FAPI 2.0 Security Profile section 5.3.3.1)
    "userinfo_bearer": ("header",),
    # what is posted beside an answer is signed by nobody
    "user_in_response": (False,),
}
_FAPI1: Mapping[str, tuple[Any, ...]] = {
    **_BOTH,
    # Part 2 section 8.6
    "signing_algorithm": _SIGNATURES,
    "id_token_algorithms": tuple((name,) for name in _SIGNATURES),
    # Part 2 section 5.2.2 (2): the hybrid flow, or a code in a signed response
    "response_type": ("code id_token", "code"),
    "response_mode": ("", "form_post", "jwt"),
    "request_object": ("value",),
    # section 5.2.2 (5): access tokens are bound to a certificate
    "certificate_bound_tokens": (True,),
}
_FAPI2: Mapping[str, tuple[Any, ...]] = {
    # FAPI 2.0 Security Profile sections 5.3.2.1 and 5.3.3.1; PKCE with S256 is sent always, so nothing can fix it
    **_BOTH,
    # section 5.4.1
    "signing_algorithm": _SIGNATURES_2,
    "id_token_algorithms": tuple((name,) for name in _SIGNATURES_2),
    "response_type": ("code",),
    "response_mode": ("", "query"),
    "push_requests": (True,),
    "issuer_in_response": (True,),
}

_FIXED: Mapping[Profile, Mapping[str, tuple[Any, ...]]] = MappingProxyType(
    {
        Profile.NONE: {},
        Profile.FAPI1_ADVANCED: _FAPI1,
        Profile.FAPI2_SECURITY: _FAPI2,
        Profile.FAPI2_MESSAGE_SIGNING: {
            # FAPI 2.0 Message Signing sections 5.3 (signed requests), 5.4 (signed responses)
            **_FAPI2,
            "request_object": ("value",),
            "response_mode": ("jwt", "query.jwt", "form_post.jwt"),
            # section 5.5: what the server says of an access token is signed, where it is asked
            "signed_introspection": (True,),
        },
    }
)


def fixed_by(profile: Profile) -> Mapping[str, tuple[Any, ...]]:
    """Setting -> the values that the profile allows."""
    return _FIXED[profile]


def broken_by(profile: Profile, setting: Mapping[str, Any]) -> str:
    """What several settings together break of a profile, in words; empty when nothing."""
    if profile is Profile.NONE:
        return ""
    return next((sentence for sentence, breaks in _TOGETHER if breaks(profile, setting)), "")


def _signed_otherwise(profile: Profile, setting: Mapping[str, Any]) -> bool:
    """Whether claims of another issuer, or what is not the ID token, may come with a weaker signature."""
    allowed = {name for names in fixed_by(profile)["id_token_algorithms"] for name in names}
    sources = [source.algorithms for source in setting["claim_sources"].values()]
    return any(set(algorithms) - allowed for algorithms in (*sources, *setting["other_algorithms"].values()))


_TOGETHER: tuple[tuple[str, Callable[[Profile, Mapping[str, Any]], bool]], ...] = (
    (
        "the access token has to be bound: dpop, or certificate_bound_tokens",
        lambda profile, setting: not (setting["dpop"] or setting["certificate_bound_tokens"]),
    ),
    (
        "a code comes in a signed response (jwt), or with an ID token",
        lambda profile, setting: (
            profile is Profile.FAPI1_ADVANCED
            and (setting["response_type"] == "code") != (setting["response_mode"] == "jwt")
        ),
    ),
    (
        "an issuer is needed: without one nobody can tell whose answer it is",
        lambda profile, setting: not setting["issuer"],
    ),
    (
        "an access token goes in the header: rest.bearer",
        lambda profile, setting: setting["rest"] is not None and setting["rest"].bearer == "form",
    ),
    ("claim_sources and other_algorithms are signed by the same algorithms", _signed_otherwise),
)


def settings_of(name: object) -> dict[str, Any]:
    """What a profile sets where nothing is said; nothing for a word that is no profile."""
    if not isinstance(name, str) or name not in set(Profile):
        return {}
    profile = Profile(name)
    bound = {} if profile in (Profile.NONE, Profile.FAPI1_ADVANCED) else {"dpop": True}
    return {setting: allowed[0] for setting, allowed in _FIXED[profile].items()} | bound
