"""The names that the switch may have, from the tables of what goes wrong."""

from tests.misbehaving_provider import authorization, dpop, logout, metadata, token, userinfo
from tests.misbehaving_provider.answers import ANSWERS, EVERYWHERE, SLOW
from tests.misbehaving_provider.callbacks import CALLBACKS
from tests.misbehaving_provider.claims import (
    ACCESS_TOKEN_CLAIMS,
    ID_TOKEN_CLAIMS,
    LOGOUT_CLAIMS,
    REDEEMED_CLAIMS,
    REFRESHED_CLAIMS,
    RESPONSE_CLAIMS,
    SOURCE_CLAIMS,
    USERINFO_CLAIMS,
)
from tests.misbehaving_provider.encryption import ENCRYPTIONS
from tests.misbehaving_provider.registration import REGISTRATIONS
from tests.misbehaving_provider.signatures import SIGNATURES, TEXTS

_SIGNED_PLACES = ("jarm", "userinfo", "access_token", "source", "logout")
"""Documents whose signature goes wrong under their own prefix: `jarm_alg_none`. An ID token has none: `alg_none`."""

_AT_A_SIGN_IN = frozenset(
    {f"{place}_{kind}" for place in ("token", "jwks") for kind in ANSWERS if kind not in SLOW}
    | {"token_hangs", "token_drips", "jwks_garbage", "key_rotated"}
    | {"userinfo_other_sub", "userinfo_missing_sub", "userinfo_401", "userinfo_html"}
)

MISBEHAVIOURS = frozenset().union(
    ID_TOKEN_CLAIMS, SIGNATURES, TEXTS, CALLBACKS, token.CHANGES, metadata.KEY_SETS, _AT_A_SIGN_IN,
    {"discovery_wrong_issuer", "discovery_500"},
)  # fmt: skip
"""What a plain sign-in by code can meet. `key_rotated`, `kid_absent`, `array_aud` and `broken_key_in_jwks` are within
the rules, and a relying party has to cope with them; `token_hangs` and `token_drips` differ in time alone."""

EVERY_MISBEHAVIOUR = MISBEHAVIOURS.union(
    REDEEMED_CLAIMS, REFRESHED_CLAIMS, RESPONSE_CLAIMS, USERINFO_CLAIMS, ACCESS_TOKEN_CLAIMS, LOGOUT_CLAIMS,
    SOURCE_CLAIMS, ENCRYPTIONS, REGISTRATIONS, EVERYWHERE, metadata.DISCOVERIES, metadata.WEBFINGERS,
    metadata.CHANGES, token.INTROSPECTIONS, dpop.NONCES, logout.CHANGES, userinfo.CHANGES, authorization.CHANGES,
    {"access_token_wrong_typ"},
    {f"{place}_{name}" for place in _SIGNED_PLACES for name in (*SIGNATURES, *TEXTS)},
)  # fmt: skip
"""All names that `misbehaviour` may have."""
