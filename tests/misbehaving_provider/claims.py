"""How the claims of what the provider signs go wrong. One table for each kind of document."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from tests.misbehaving_provider.keys import Claims, base64url
from tests.misbehaving_provider.model import INTERNAL, OTHER_CLIENT, OTHER_ISSUER

DAY = 86_400
Change = Callable[[Claims], None]
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"


def set_(**values: Any) -> Change:
    return lambda claims: claims.update(values)


def remove(*names: str) -> Change:
    def change(claims: Claims) -> None:
        for name in names:
            claims.pop(name, None)

    return change


def shift(name: str, seconds: int) -> Change:
    """A time claim, so many seconds from now."""
    return lambda claims: claims.update({name: int(time.time()) + seconds})


def _extra_audience(claims: Claims) -> None:
    claims.update(aud=[claims["aud"], OTHER_CLIENT], azp=claims["aud"])


def _foreign_audience_without_azp(claims: Claims) -> None:
    claims.update(aud=[claims["aud"], OTHER_CLIENT])


def _audience_as_array(claims: Claims) -> None:
    claims["aud"] = [claims["aud"]]


def _in_other_case(claims: Claims) -> None:
    claims["sub"] = str(claims["sub"]).swapcase()


def _with_slash(claims: Claims) -> None:
    claims["iss"] = str(claims["iss"]) + "/"


def _long(name: str, length: int) -> Change:
    return lambda claims: claims.update({name: "x" * length})


_WRONG_HASH = base64url(bytes(16))

ID_TOKEN_CLAIMS: Mapping[str, Change] = {
    "wrong_iss": set_(iss=OTHER_ISSUER),
    "slash_iss": _with_slash,
    "missing_iss_claim": remove("iss"),
    "number_iss": set_(iss=7),
    "wrong_aud": set_(aud=OTHER_CLIENT),
    "extra_aud": _extra_audience,
    "secondary_aud": _foreign_audience_without_azp,
    "array_aud": _audience_as_array,
    "empty_aud": set_(aud=[]),
    "number_aud": set_(aud=[7]),
    "missing_aud": remove("aud"),
    "wrong_azp": set_(azp=OTHER_CLIENT),
    "wrong_nonce": set_(nonce="another-nonce"),
    "missing_nonce": remove("nonce"),
    "expired": shift("exp", -3600),
    "missing_exp": remove("exp"),
    "text_exp": set_(exp="tomorrow"),
    "bool_exp": set_(exp=True),
    "missing_iat": remove("iat"),
    "old_iat": shift("iat", -8 * DAY),
    "week_old_iat": shift("iat", -7 * DAY),
    "future_iat": shift("iat", 3600),
    "text_iat": set_(iat="now"),
    "future_nbf": shift("nbf", 3600),
    "missing_sub": remove("sub"),
    "empty_sub": set_(sub=""),
    "null_sub": set_(sub=None),
    "number_sub": set_(sub=7),
    "long_sub": _long("sub", 256),
    "wrong_at_hash": set_(at_hash=_WRONG_HASH),
    "missing_at_hash": remove("at_hash"),
    "wrong_c_hash": set_(c_hash=_WRONG_HASH),
    "missing_c_hash": remove("c_hash"),
    "wrong_s_hash": set_(s_hash=_WRONG_HASH),
    "missing_s_hash": remove("s_hash"),
    "missing_auth_time": remove("auth_time"),
    "old_auth_time": shift("auth_time", -30 * DAY),
    "wrong_acr": set_(acr="none"),
    "missing_acr": remove("acr"),
}
"""`array_aud` is within the rules, and so is `missing_at_hash` by the code flow."""

REFRESHED_CLAIMS: Mapping[str, Change] = {
    "refreshed_other_iss": set_(iss=OTHER_ISSUER),
    "refreshed_other_sub": set_(sub="person-2"),
    "refreshed_other_aud": set_(aud=OTHER_CLIENT),
    "refreshed_other_azp": set_(azp=OTHER_CLIENT),
    "refreshed_other_auth_time": shift("auth_time", -DAY),
    "refreshed_with_nonce": set_(nonce="another-nonce"),
}

REDEEMED_CLAIMS: Mapping[str, Change] = {"redeemed_other_sub": set_(sub="person-2")}
"""Of the ID token that a code brings: beside the one of the authorization endpoint it is that of somebody else."""

RESPONSE_CLAIMS: Mapping[str, Change] = {
    "jarm_missing_iss": remove("iss"),
    "jarm_wrong_iss": set_(iss=OTHER_ISSUER),
    "jarm_missing_aud": remove("aud"),
    "jarm_wrong_aud": set_(aud=OTHER_CLIENT),
    "jarm_missing_exp": remove("exp"),
    "jarm_expired": shift("exp", -3600),
    "jarm_missing_state": remove("state"),
    "jarm_wrong_state": set_(state="another-state"),
    "jarm_missing_code": remove("code"),
    "jarm_number_code": set_(code=7),
    "jarm_error_too": set_(error="server_error"),
}

USERINFO_CLAIMS: Mapping[str, Change] = {
    "userinfo_other_sub": set_(sub="person-2"),
    "userinfo_sub_in_other_case": _in_other_case,
    "userinfo_missing_sub": remove("sub"),
    "userinfo_null_sub": set_(sub=None),
    "userinfo_other_email": set_(email="bob@attacker.example", email_verified=None),
    "userinfo_wrong_iss": set_(iss=OTHER_ISSUER),
    "userinfo_missing_iss": remove("iss"),
    "userinfo_wrong_aud": set_(aud=OTHER_CLIENT),
    "userinfo_missing_aud": remove("aud"),
}
"""`iss` and `aud` are those of a signed answer. With `userinfo_other_email` the ID token alone vouches, for another
address."""

ACCESS_TOKEN_CLAIMS: Mapping[str, Change] = {
    "access_token_wrong_iss": set_(iss=OTHER_ISSUER),
    "access_token_wrong_aud": set_(aud="https://other.example/api"),
    "access_token_missing_aud": remove("aud"),
    "access_token_missing_exp": remove("exp"),
    "access_token_expired": shift("exp", -3600),
    "access_token_missing_sub": remove("sub"),
    "access_token_other_sub": set_(sub="person-2"),
    "access_token_with_nonce": set_(nonce="nonce"),
}

LOGOUT_CLAIMS: Mapping[str, Change] = {
    "logout_wrong_iss": set_(iss=OTHER_ISSUER),
    "logout_wrong_aud": set_(aud=OTHER_CLIENT),
    "logout_missing_events": remove("events"),
    "logout_wrong_event": set_(events={"https://other.example/event": {}}),
    "logout_null_events": set_(events=None),
    "logout_event_no_object": set_(events={LOGOUT_EVENT: "yes"}),
    "logout_with_nonce": set_(nonce="nonce"),
    "logout_missing_iat": remove("iat"),
    "logout_old_iat": shift("iat", -DAY),
    "logout_missing_jti": remove("jti"),
    "logout_replayed_jti": set_(jti="the-same"),
    "logout_missing_exp": remove("exp"),
    "logout_expired": shift("exp", -3600),
    "logout_long_exp": shift("exp", 30 * DAY),
    "logout_missing_sub_and_sid": remove("sub", "sid"),
}
"""A replayed `jti` is only wrong the second time."""

SOURCE_CLAIMS: Mapping[str, Change] = {
    "source_wrong_iss": set_(iss=OTHER_ISSUER),
    "source_overrides": set_(sub="attacker", email_verified=True, email="attacker@attacker.example", aud=OTHER_CLIENT),
    "source_expired": shift("exp", -3600),
}
"""Of the JWT of another source of claims (OpenID Connect Core section 5.6.2)."""

INTERNAL_SOURCE = f"{INTERNAL}/claims"


def change(tables: tuple[Mapping[str, Change], ...], misbehaviour: str, claims: Claims) -> None:
    for table in tables:
        table.get(misbehaviour, set_())(claims)
