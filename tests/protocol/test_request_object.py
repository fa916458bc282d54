"""Request objects: RFC 9101 section 4, OpenID Connect Core section 6.1, and its example."""

from typing import Any

import pytest

from entracte.protocol.client_auth import Moment
from entracte.protocol.request_object import AGE, request_object
from tests.protocol.own_keys import our_key, verified
from tests.protocol.signing import NOW

CLIENT, ISSUER = "s6BhdRkqt3", "https://server.example.com"
MOMENT = Moment(NOW, "once")
PARAMETERS = [
    ("response_type", "code id_token"),
    ("client_id", CLIENT),
    ("redirect_uri", "https://client.example.org/cb"),
    ("scope", "openid"),
    ("state", "af0ifjsldkj"),
    ("nonce", "n-0S6_WzA2Mj"),
    ("max_age", "86400"),
    ("claims", '{"userinfo":{"given_name":{"essential":true},"picture":null},"id_token":{"gender":null}}'),
]
REGISTERED = {
    "iss": CLIENT,
    "aud": ISSUER,
    "client_id": CLIENT,
    "iat": NOW,
    "nbf": NOW,
    "exp": NOW + AGE,
    "jti": "once",
}


def claims(parameters: list[tuple[str, str]], algorithm: str = "ES256") -> dict[str, Any]:
    token = request_object(parameters, our_key(algorithm), client_id=CLIENT, issuer=ISSUER, moment=MOMENT)
    seen = verified(token, algorithm)
    assert seen.header == {"alg": algorithm, "kid": "ours", "typ": "oauth-authz-req+jwt"}
    return dict(seen.claims)


@pytest.mark.conformance("request-uri-signed-rs256")
@pytest.mark.parametrize("algorithm", ["ES256", "PS256", "RS256", "EdDSA"])
def test_the_request_of_the_specification(algorithm: str) -> None:
    assert claims(PARAMETERS, algorithm) == {
        **REGISTERED,
        "response_type": "code id_token",
        "redirect_uri": "https://client.example.org/cb",
        "scope": "openid",
        "state": "af0ifjsldkj",
        "nonce": "n-0S6_WzA2Mj",
        "max_age": 86400,
        "claims": {
            "userinfo": {"given_name": {"essential": True}, "picture": None},
            "id_token": {"gender": None},
        },
    }


def test_it_is_good_for_five_minutes_and_names_the_server_alone() -> None:
    assert AGE == 300
    assert claims([]) == REGISTERED


def test_a_parameter_that_stands_there_several_times_is_a_list() -> None:
    """RFC 8707 section 2."""
    resources = [("resource", f"https://{name}.example/") for name in ("a", "b", "c")]
    assert claims(resources[:1])["resource"] == "https://a.example/"
    assert claims(resources[:2])["resource"] == ["https://a.example/", "https://b.example/"]
    assert claims(resources)["resource"] == ["https://a.example/", "https://b.example/", "https://c.example/"]


@pytest.mark.parametrize("name", sorted(REGISTERED))
def test_no_parameter_stands_for_a_registered_claim(name: str) -> None:
    assert claims([(name, "evil")]) == REGISTERED


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("max_age", value) for value in ("soon", "", " 60", "6_0", "-1", "٣", "1.5", "9" * 19, "9" * 5000)),
        *(("claims", value) for value in ("{", "", "null", "[]", "7", '{"a":NaN}', '{"a":1,"a":2}', "[" * 20_000)),
    ],
)  # fmt: skip
def test_a_value_that_is_not_of_its_type_stays_as_it_is(name: str, value: str) -> None:
    """Nothing that can be set makes the request fail here: the server says what it thinks of it."""
    assert claims([(name, value)])[name] == value


@pytest.mark.parametrize("value", ["0", "60", "0060", "9" * 18])
def test_a_number_of_seconds_is_a_number(value: str) -> None:
    assert claims([("max_age", value)])["max_age"] == int(value)


@pytest.mark.parametrize("name", ["prompt", "ui_locales", "login_hint", "acr_values"])
def test_every_other_parameter_is_a_text(name: str) -> None:
    assert claims([(name, "1")])[name] == "1"
