"""Settings that each may be set, and together mean nothing: one sentence each, told when they are set."""

from typing import Any

import pytest
from pydantic import ValidationError

from entracte.connections.contradictions import CONTRADICTIONS
from entracte.connections.model import ConnectionConfig

SERVER = "https://login.example"
ESSENTIAL = {"id_token": {"acr": {"essential": True, "values": ["urn:high"]}}}
SOMEBODY = {"id_token": {"sub": {"value": "248289761001"}}}
CHECKED = "because they are then checked"
NEED_A_TOKEN = "max_age, acr_values, and acr or sub of requested_claims need an ID token"
UNVERIFIED = "an algorithm of id_token_algorithms or other_algorithms"
SEALED = {"encryption_algorithm": "RSA-OAEP"}
PLAIN = {"issuer": "", "jwks_uri": "", "scopes": ["profile"], "profile_source": "userinfo"}
"""OAuth 2.0 without an ID token."""
AN_ISSUER = {"issuer": SERVER, "jwks_uri": f"{SERVER}/jwks"}
NO_ACCESS_TOKEN = "response_type id_token brings none"
BY_TOKEN = {"response_type": "id_token", "profile_source": "id_token"}
BY_FORM = {"rest": {"url": "https://api.example/me", "bearer": "form"}}

TOGETHER: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    # what is wrong, what makes it right, and what is said
    ({"extra_parameters": {"max_age": "60"}}, {"extra_parameters": {}, "max_age": 60}, CHECKED),
    ({"extra_parameters": {"claims": "{}"}}, {"extra_parameters": {}, "requested_claims": ESSENTIAL}, CHECKED),
    ({"authorization_endpoint": f"{SERVER}/a?max_age=60"}, {"authorization_endpoint": f"{SERVER}/a?ui=x"}, CHECKED),
    ({"authorization_endpoint": f"{SERVER}/a?max%5Fage"}, {"authorization_endpoint": f"{SERVER}/a"}, CHECKED),
    ({"authorization_endpoint": f"{SERVER}/a?x=1&claims=%7B"}, {"authorization_endpoint": f"{SERVER}/a"}, CHECKED),
    ({"acr_values": ["high"], "extra_parameters": {"acr_values": "low"}}, {"acr_values": []}, "acr_values stands"),
    ({"acr_values": ["high"], "authorization_endpoint": f"{SERVER}/a?acr_values=low"}, {"acr_values": []},
     "acr_values stands"),
    ({"acr_values": ["high"], "requested_claims": ESSENTIAL}, {"requested_claims": SOMEBODY},
     "acr_values and an essential acr"),
    ({"resource": ["https://a.example"], "extra_parameters": {"resource": "https://b.example"}}, {"resource": []},
     "resource stands"),
    ({"resource": ["https://a.example"], "authorization_endpoint": f"{SERVER}/a?resource=b"}, {"resource": []},
     "resource stands"),
    ({**PLAIN, "max_age": 0}, {"max_age": None}, NEED_A_TOKEN),
    ({**PLAIN, "acr_values": ["high"]}, {"acr_values": []}, NEED_A_TOKEN),
    ({**PLAIN, "requested_claims": ESSENTIAL}, {"requested_claims": {"id_token": {"acr": {"values": ["urn:high"]}}}},
     NEED_A_TOKEN),
    ({**PLAIN, "requested_claims": SOMEBODY}, {"requested_claims": {"id_token": {"sub": None}}}, NEED_A_TOKEN),
    ({"requested_claims": {"id_token": ["acr"]}}, {"requested_claims": {"id_token": {}}}, "section 5.5"),
    ({"other_algorithms": {"userinfo": ["none"]}}, {"other_algorithms": {"userinfo": ["ES256"]}}, UNVERIFIED),
    ({"other_algorithms": {"userinfo": []}}, {"other_algorithms": {}}, UNVERIFIED),
    ({"other_algorithms": {"userinfo": ["HS256", "RS256"]}}, {"other_algorithms": {"userinfo": ["HS256"]}},
     "HS algorithms and others"),
    ({"profile_source": "access_token", "access_token_audience": "us", "other_algorithms": {"access_token": ["HS256"]}},
     {"other_algorithms": {"userinfo": ["HS256"]}}, "not signed with our secret"),
    ({**BY_TOKEN, "introspect_tokens": True}, {"response_type": "id_token token"}, NO_ACCESS_TOKEN),
    ({**BY_TOKEN, "revoke_tokens": True}, {"response_type": "id_token token"}, NO_ACCESS_TOKEN),
    ({**PLAIN, **SEALED, "encrypted": ["userinfo"]}, AN_ISSUER, "encrypted UserInfo"),
    ({**PLAIN, **SEALED, "encrypted": ["userinfo"], "issuer": SERVER}, {"jwks_uri": f"{SERVER}/jwks"},
     "encrypted UserInfo"),
    ({**PLAIN, **SEALED, "encrypted": ["id_token"]}, {**AN_ISSUER, "scopes": ["openid"]},
     "encrypted ID token"),
    ({**SEALED, "encrypted": ["response"]}, {"response_mode": "jwt"}, "encrypted response"),
    ({**SEALED, "encrypted": ["response"], "response_mode": "form_post"}, {"response_mode": "form_post.jwt"},
     "encrypted response"),
    ({**BY_FORM, "dpop": True}, {"rest": {"url": "https://api.example/me"}}, "rest.bearer"),
    ({**BY_FORM, "dpop": True, "profile_source": "rest"}, {"dpop": False}, "rest.bearer"),
]  # fmt: skip


def refusal(settings: dict[str, Any]) -> str:
    """What is said when these are set; empty when they may be."""
    given = {
        "name": "one",
        "title": "One",
        "client_id": "us",
        "issuer": SERVER,
        "authorization_endpoint": f"{SERVER}/a",
        "token_endpoint": f"{SERVER}/t",
        "jwks_uri": f"{SERVER}/jwks",
        "userinfo_endpoint": f"{SERVER}/u",
        "introspection_endpoint": f"{SERVER}/i",
        "revocation_endpoint": f"{SERVER}/r",
    }
    try:
        ConnectionConfig.model_validate({**given, **settings})
    except ValidationError as error:
        return "; ".join(str(item["msg"]) for item in error.errors())
    return ""


@pytest.mark.parametrize(("wrong", "right", "sentence"), TOGETHER)
def test_what_contradicts_itself_is_said(wrong: dict[str, Any], right: dict[str, Any], sentence: str) -> None:
    assert sentence in refusal(wrong)
    assert refusal({**wrong, **right}) == ""


def test_a_wish_for_a_context_may_be_an_extra_parameter() -> None:
    """OpenID Connect Core section 3.1.2.1: `acr_values` asks for a voluntary claim."""
    assert refusal({"extra_parameters": {"acr_values": "high"}}) == ""
    assert refusal({"authorization_endpoint": f"{SERVER}/a?acr_values=high"}) == ""


def test_an_address_that_can_not_be_read_is_no_contradiction() -> None:
    """It is told of by `metadata.check_address`, with the name of the setting."""
    assert refusal({"authorization_endpoint": "https://[not-an-ip]/"}) == ""


def test_every_sentence_is_there_once() -> None:
    sentences = [sentence for sentence, _ in CONTRADICTIONS]
    assert len(sentences) == len(set(sentences))
    assert all(sum(said in sentence for sentence in sentences) == 1 for _, _, said in TOGETHER)
