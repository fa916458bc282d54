"""Discovery: MUST 45 (the issuer, byte for byte), the endpoints, and documents as they are in the wild."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entracte.protocol.errors import Reason, Refused
from entracte.protocol.messages import Purpose
from entracte.protocol.metadata import (
    MAXIMUM_URL,
    Metadata,
    check_endpoint,
    metadata_request,
    oauth_metadata_request,
    read_metadata,
)
from tests.protocol.refusals import is_silent_about, outcome
from tests.protocol.signing import json_response, named, vectors

ISSUER = "https://as.example"
DOCUMENT: dict[str, Any] = {
    "issuer": ISSUER,
    "authorization_endpoint": "https://as.example/authorize?p=1",
    "token_endpoint": "https://as.example/token",
    "jwks_uri": "https://keys.example/random/jwks",
    "userinfo_endpoint": "https://as.example/userinfo",
    "end_session_endpoint": "https://as.example/logout",
    "id_token_signing_alg_values_supported": ["RS256", "none", "HS256", "EdDSA"],
    "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
    "authorization_response_iss_parameter_supported": True,
    "code_challenge_methods_supported": ["S256", "plain"],
    "response_types_supported": ["code"],
}


def refusal(document: Any, issuer: str = ISSUER) -> Refused:
    with pytest.raises(Refused) as refused:
        read_metadata(json_response(document), issuer)
    return refused.value


def without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in DOCUMENT.items() if name not in names}


@pytest.mark.parametrize(
    ("issuer", "url"),
    [
        ("https://example.com", "https://example.com/.well-known/openid-configuration"),
        ("https://example.com/", "https://example.com/.well-known/openid-configuration"),
        ("https://example.com/issuer1", "https://example.com/issuer1/.well-known/openid-configuration"),
        ("https://example.com/issuer1/", "https://example.com/issuer1/.well-known/openid-configuration"),
        ("https://example.com/X", "https://example.com/X/.well-known/openid-configuration"),
        ("http://localhost:8080/realms/a", "http://localhost:8080/realms/a/.well-known/openid-configuration"),
    ],
)
def test_the_request(issuer: str, url: str) -> None:
    """OpenID Connect Discovery section 4.1 and its examples."""
    request = metadata_request(issuer)
    assert (request.method, request.url, request.accept) == ("GET", url, "application/json")
    assert request.purpose is Purpose.METADATA


@pytest.mark.parametrize(
    ("issuer", "url"),
    [
        ("https://example.com", "https://example.com/.well-known/oauth-authorization-server"),
        ("https://example.com/", "https://example.com/.well-known/oauth-authorization-server"),
        ("https://example.com/issuer1", "https://example.com/.well-known/oauth-authorization-server/issuer1"),
        ("https://example.com/a/b/", "https://example.com/.well-known/oauth-authorization-server/a/b"),
        ("https://example.com/X", "https://example.com/.well-known/oauth-authorization-server/X"),
        ("http://localhost:8080/a", "http://localhost:8080/.well-known/oauth-authorization-server/a"),
    ],
)
def test_the_request_of_rfc_8414(issuer: str, url: str) -> None:
    """RFC 8414 sections 3 and 3.1, and its examples."""
    request = oauth_metadata_request(issuer)
    assert (request.method, request.url, request.accept) == ("GET", url, "application/json")
    assert request.purpose is Purpose.METADATA


@pytest.mark.parametrize(
    "issuer", ["https://as.example?a=b", "https://as.example?", "https://as.example#a", "as.example", "", "https://"]
)
def test_an_issuer_that_can_not_be(issuer: str) -> None:
    for request in (metadata_request, oauth_metadata_request):
        with pytest.raises(Refused) as refused:
            request(issuer)
        assert refused.value.reason is Reason.METADATA_MALFORMED
        assert refused.value.evidence == (
            "An issuer has no query."
            if "?" in issuer
            else "The issuer can not be used: the address holds a fragment."
            if "#" in issuer
            else "The issuer can not be used: the address has no usable host."
            if issuer == "https://"
            else "The issuer can not be used: the address has to begin with https."
        )


def test_a_whole_document() -> None:
    metadata = read_metadata(json_response(DOCUMENT), ISSUER)
    assert metadata.issuer == ISSUER
    assert metadata.authorization_endpoint == "https://as.example/authorize?p=1"
    assert metadata.token_endpoint == "https://as.example/token"
    assert metadata.jwks_uri == "https://keys.example/random/jwks"
    assert metadata.userinfo_endpoint == "https://as.example/userinfo"
    assert metadata.end_session_endpoint == "https://as.example/logout"
    assert metadata.id_token_algorithms == frozenset({"RS256", "EdDSA"})
    assert metadata.token_endpoint_authentication == frozenset({"client_secret_post", "private_key_jwt"})
    assert metadata.issuer_in_response is True
    assert metadata.code_challenge_methods == frozenset({"S256", "plain"})


def test_what_a_document_may_leave_out() -> None:
    metadata = read_metadata(
        json_response(
            {name: DOCUMENT[name] for name in ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")}
        ),
        ISSUER,
    )
    assert metadata.userinfo_endpoint is None
    assert metadata.end_session_endpoint is None
    assert metadata.id_token_algorithms == frozenset({"RS256"})
    assert metadata.token_endpoint_authentication == frozenset({"client_secret_basic"})
    assert metadata.issuer_in_response is False
    assert metadata.code_challenge_methods == frozenset()


@pytest.mark.conformance(
    "MUST 45",
    "fapi1-discovery-issuer-mismatch",
    "discovery-issuer-mismatch",
    "fapi2-discovery-issuer-mismatch",
)
@pytest.mark.parametrize(
    ("issuer", "evidence"),
    [
        ("https://as.example/", "slash"),
        ("https://AS.example", "case"),
        ("https://evil.example", "Expected https://as.example."),
    ],
)
def test_must_45_another_issuer(issuer: str, evidence: str) -> None:
    """discovery-issuer-mismatch."""
    refused = refusal({**DOCUMENT, "issuer": issuer})
    assert refused.reason is Reason.METADATA_ISSUER
    assert evidence in refused.evidence
    assert "evil" not in str(refused)


@pytest.mark.conformance("BAD 50")
@pytest.mark.parametrize("name", ["issuer", "authorization_endpoint", "token_endpoint", "jwks_uri"])
@pytest.mark.parametrize("value", [None, "", [], {}, 1, True, ["https://as.example"]])
def test_bad_50_what_has_to_be_a_string(name: str, value: Any) -> None:
    assert refusal({**DOCUMENT, name: value}).reason is Reason.METADATA_MALFORMED
    assert refusal(without(name)).reason is Reason.METADATA_MALFORMED


@pytest.mark.parametrize("name", ["userinfo_endpoint", "end_session_endpoint"])
def test_an_optional_endpoint(name: str) -> None:
    assert getattr(read_metadata(json_response({**DOCUMENT, name: None}), ISSUER), name) is None
    values: list[Any] = ["", 1, [], "http://as.example/", "https://user@as.example/"]
    for value in values:
        assert refusal({**DOCUMENT, name: value}).reason is Reason.METADATA_MALFORMED


@pytest.mark.parametrize(
    "name", ["authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint", "end_session_endpoint"]
)
def test_every_endpoint_is_checked(name: str) -> None:
    refused = refusal({**DOCUMENT, name: "http://169.254.169.254/?secret=canary"})
    assert refused.reason is Reason.METADATA_MALFORMED
    assert f"`{name}`" in refused.evidence
    assert "canary" not in str(refused)


def test_an_authorization_endpoint_can_not_bring_our_parameters() -> None:
    refused = refusal({**DOCUMENT, "authorization_endpoint": "https://as.example/authorize?response_type=token"})
    assert refused.reason is Reason.METADATA_MALFORMED
    assert refused.evidence == "`authorization_endpoint` has parameters of the request in its query."


def test_http_where_the_caller_allows_it() -> None:
    local = {
        name: value.replace("https://as.example", "http://Localhost:8080") if isinstance(value, str) else value
        for name, value in DOCUMENT.items()
    }
    hosts: list[str] = []

    def allowed(host: str) -> bool:
        hosts.append(host)
        return host == "localhost"

    metadata = read_metadata(json_response(local), "http://Localhost:8080", insecure_allowed=allowed)
    assert metadata.token_endpoint == "http://Localhost:8080/token"
    assert set(hosts) == {"localhost", "keys.example"}
    with pytest.raises(Refused):
        read_metadata(json_response(local), "http://Localhost:8080")
    with pytest.raises(Refused):
        read_metadata(
            json_response({**local, "jwks_uri": "http://keys.example/"}),
            "http://Localhost:8080",
            insecure_allowed=allowed,
        )


@pytest.mark.parametrize("value", [None, "RS256", 1, {}])
def test_lists_that_are_none_count_as_left_out(value: Any) -> None:
    lists = [name for name in DOCUMENT if name.endswith("_supported")]
    metadata = read_metadata(json_response({**DOCUMENT, **dict.fromkeys(lists, value)}), ISSUER)
    assert metadata.id_token_algorithms == frozenset({"RS256"})
    assert metadata.issuer_in_response is False


def test_entries_of_lists_that_are_no_strings_are_left_out() -> None:
    document = {**DOCUMENT, "id_token_signing_alg_values_supported": ["ES256", None, 1, ["RS256"], {}]}
    assert read_metadata(json_response(document), ISSUER).id_token_algorithms == frozenset({"ES256"})


@pytest.mark.conformance("MUST 37", "BAD 29")
@pytest.mark.parametrize("vector", vectors("endpoints.json"), ids=lambda vector: vector["id"])
def test_endpoint_vectors(vector: dict[str, Any]) -> None:
    """MUST 37, BAD 29."""
    if vector["good"]:
        assert check_endpoint(vector["url"], insecure_allowed=vector["insecure"]) == vector["url"]
    else:
        with pytest.raises(ValueError, match="the address") as refused:
            check_endpoint(vector["url"], insecure_allowed=vector["insecure"])
        assert not vector["url"] or vector["url"] not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://user@as.example/", "user name"),
        ("http://as.example/", "begin with https"),
        ("https://as.example/#a", "fragment"),
        ("https:///", "host"),
        ("https://as.example:0/", "port"),
        ("https://as.example/ ", "space"),
        ("https://as.example/" + "a" * 2048, "too long"),
    ],
)
def test_the_message_says_why(url: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        check_endpoint(url, insecure_allowed=False)


@given(
    st.text()
    | st.text(alphabet="https://[]:@%#?.\\1aA", max_size=40)
    | st.text(max_size=20).map(lambda tail: f"https://as.example{tail}")
)
def test_any_address_is_taken_or_refused(url: str) -> None:
    def checked() -> str | ValueError:
        try:
            return check_endpoint(url, insecure_allowed=True)
        except ValueError as refused:
            return refused

    result = checked()
    assert result == url or (isinstance(result, ValueError) and is_silent_about(result, url))


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(st.binary() | st.dictionaries(st.sampled_from(sorted(DOCUMENT)), anything), st.booleans())
def test_any_document_is_read_or_refused(body: Any, mostly_good: bool) -> None:
    document = {**DOCUMENT, **body} if mostly_good and isinstance(body, dict) else body
    metadata = outcome(lambda: read_metadata(json_response(document), ISSUER))
    if isinstance(metadata, Refused):
        assert is_silent_about(metadata, *(body.values() if isinstance(body, dict) else ()))
    else:
        assert metadata.issuer == ISSUER


@given(st.text())
def test_any_issuer_is_asked_or_refused(issuer: str) -> None:
    request = outcome(lambda: metadata_request(issuer))
    if isinstance(request, Refused):
        assert request.reason is Reason.METADATA_MALFORMED
        assert is_silent_about(request, issuer)
    else:
        assert request.url.endswith("/.well-known/openid-configuration")


def test_what_a_server_can_do_is_kept_by_name() -> None:
    """What was not said, or not in words, is not there."""
    more = {"acr_values_supported": [], "scopes_supported": "openid", "display_values_supported": [7]}
    metadata = read_metadata(json_response({**DOCUMENT, **more, "request_parameter_supported": False}), ISSUER)
    assert metadata.lists["token_endpoint_auth_methods_supported"] == {"client_secret_post", "private_key_jwt"}
    assert metadata.lists["id_token_signing_alg_values_supported"] == {"RS256", "none", "HS256", "EdDSA"}
    assert not {*more, "authorization_endpoint"} & metadata.lists.keys()
    assert metadata.flags == {
        "authorization_response_iss_parameter_supported": True,
        "request_parameter_supported": False,
    }


MORE = (
    "userinfo_endpoint",
    "end_session_endpoint",
    "pushed_authorization_request_endpoint",
    "introspection_endpoint",
    "revocation_endpoint",
    "registration_endpoint",
    "check_session_iframe",
)


def read(**changes: Any) -> Metadata:
    return read_metadata(json_response({**DOCUMENT, **changes}), ISSUER)


@pytest.mark.parametrize("name", MORE)
def test_every_other_endpoint(name: str) -> None:
    address = f"https://as.example/{name}"
    assert getattr(read(**{name: address}), name) == address
    assert getattr(read(**{name: None}), name) is None
    assert getattr(read_metadata(json_response(without(name)), ISSUER), name) is None
    values: list[Any] = ["", 1, [], "http://as.example/", "https://user@as.example/", "https://as.example/#a"]
    for value in values:
        refused = refusal({**DOCUMENT, name: value})
        assert refused.reason is Reason.METADATA_MALFORMED
        assert f"`{name}`" in refused.evidence


@pytest.mark.conformance("mtls-endpoint-aliases")
def test_the_endpoints_for_a_client_certificate() -> None:
    """RFC 8705 section 5: an endpoint that is not named is used as it is."""
    aliases = {name: f"https://mtls.as.example/{name}" for name in ("token_endpoint", *MORE)}
    assert read(mtls_endpoint_aliases=aliases).tls_endpoints == aliases
    some = {"token_endpoint": "https://mtls.as.example/t", "userinfo_endpoint": None, "unheard_of": 1}
    assert read(mtls_endpoint_aliases=some).tls_endpoints == {"token_endpoint": "https://mtls.as.example/t"}
    others: list[Any] = [None, [], "https://mtls.as.example/t", 1, {}]
    for value in others:
        assert read(mtls_endpoint_aliases=value).tls_endpoints == {}
    assert read().tls_endpoints == {}
    alone = {**without("token_endpoint"), "mtls_endpoint_aliases": aliases}
    assert read_metadata(json_response(alone), ISSUER).token_endpoint == aliases["token_endpoint"]
    assert read(mtls_endpoint_aliases=aliases).token_endpoint == DOCUMENT["token_endpoint"]
    assert refusal({**alone, "token_endpoint": None}).reason is Reason.METADATA_MALFORMED
    assert refusal({**alone, "mtls_endpoint_aliases": {}}).reason is Reason.METADATA_MALFORMED
    refused = refusal({**DOCUMENT, "mtls_endpoint_aliases": {"token_endpoint": "http://as.example/"}})
    assert refused.reason is Reason.METADATA_MALFORMED
    assert refused.evidence == "`token_endpoint` can not be used: the address has to begin with https."


def test_what_the_server_can_do() -> None:
    metadata = read(
        require_pushed_authorization_requests=True,
        dpop_signing_alg_values_supported=["ES256", 1],
        response_types_supported=["code", "code id_token"],
        response_modes_supported=["query", "form_post"],
    )
    assert metadata.must_push is True
    assert metadata.dpop_algorithms == {"ES256"}
    assert metadata.response_types == {"code", "code id_token"}
    assert metadata.response_modes == {"query", "form_post"}


@pytest.mark.parametrize("value", [None, 1, "true", [], {}])
def test_what_is_no_true_is_not_true(value: Any) -> None:
    metadata = read(
        require_pushed_authorization_requests=value,
        authorization_response_iss_parameter_supported=value,
        dpop_signing_alg_values_supported=value,
        response_types_supported=value,
        response_modes_supported=value,
    )
    assert (metadata.must_push, metadata.issuer_in_response) == (False, False)
    assert metadata.dpop_algorithms == metadata.response_types == metadata.response_modes == frozenset()


def test_every_list_and_every_flag_by_its_name() -> None:
    metadata = read(
        request_parameter_supported=True,
        tls_client_certificate_bound_access_tokens=False,
        scopes_supported=["openid", None],
        prompt_values_supported=[],
        acr_values_supported="1",
        odd_names=["a"],
    )
    assert metadata.flags == {
        "authorization_response_iss_parameter_supported": True,
        "request_parameter_supported": True,
        "tls_client_certificate_bound_access_tokens": False,
    }
    assert metadata.lists == {
        "scopes_supported": {"openid"},
        "id_token_signing_alg_values_supported": {"RS256", "none", "HS256", "EdDSA"},
        "token_endpoint_auth_methods_supported": {"client_secret_post", "private_key_jwt"},
        "code_challenge_methods_supported": {"S256", "plain"},
        "response_types_supported": {"code"},
    }


def test_a_server_without_openid_needs_no_keys() -> None:
    """RFC 8414 section 2: `jwks_uri` is optional; what is there is checked all the same."""
    document = without("jwks_uri")
    assert read_metadata(json_response(document), ISSUER, openid=False).jwks_uri == ""
    assert read_metadata(json_response(DOCUMENT), ISSUER, openid=False).jwks_uri == DOCUMENT["jwks_uri"]
    assert refusal(document).evidence == "`jwks_uri` has to be a string that is not empty."
    with pytest.raises(Refused) as refused:
        read_metadata(json_response({**DOCUMENT, "jwks_uri": "http://as.example/"}), ISSUER, openid=False)
    assert refused.value.evidence == "`jwks_uri` can not be used: the address has to begin with https."


@pytest.mark.conformance("discovery-issuer-mismatch", "MUST 45")
def test_the_evidence_of_another_issuer() -> None:
    refused = refusal({**DOCUMENT, "issuer": "https://as.example/"})
    assert refused.evidence == "Expected https://as.example; only a slash at the end differs."
    assert refusal({**DOCUMENT, "issuer": ""}).evidence == "`issuer` has to be a string that is not empty."
    assert refusal(b"{").reason is Reason.METADATA_MALFORMED


@pytest.mark.conformance("MUST 37", "BAD 29")
@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("https://as.example/" + "a" * (MAXIMUM_URL - 18), "the address is too long"),
        ("https://as.example/ä", "the address holds a space, a backslash or a character that is not ASCII"),
        ("https://as.example\\@evil/", "the address holds a space, a backslash or a character that is not ASCII"),
        ("https://as.example/#", "the address holds a fragment"),
        ("ftp://as.example/", "the address has to begin with https"),
        ("http://as.example/", "the address has to begin with https"),
        ("https://a@as.example/", "the address holds a user name"),
        ("https://[::1/", "the address has no usable host"),
        ("https://[1::2::3]/", "the address has no usable host"),
        ("https://as..example/", "the address has no usable host"),
        ("https://-as.example/", "the address has no usable host"),
        ("https://" + "a" * 64 + ".example/", "the address has no usable host"),
        ("https://" + "a." * 126 + "ab/", "the address has no usable host"),
        ("https://as.example:/", "the address has no usable host"),
        ("https://as.example:0/", "the address has no usable port"),
        ("https://as.example:65536/", "the address has no usable port"),
        ("https://as.example:123456/", "the address has no usable host"),
    ],
    ids=named,
)
def test_what_is_wrong_with_an_address(url: str, message: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        check_endpoint(url, insecure_allowed=False)
    assert str(refused.value) == message


@pytest.mark.parametrize(
    "url",
    [
        "https://as.example/" + "a" * (MAXIMUM_URL - 19),
        "https://" + "a" * 63 + ".example/",
        "https://" + "a." * 126 + "a/",
        "https://as.example:1/",
        "https://as.example:65535/",
        "https://[::ffff:192.0.2.1]:8443/",
        "https://a_b.example",
        "https://1.2.3.4/",
    ],
    ids=named,
)
def test_the_last_addresses_that_may_be_used(url: str) -> None:
    assert check_endpoint(url, insecure_allowed=False) == url
    insecure = url.replace("https", "http", 1)[:MAXIMUM_URL]
    assert check_endpoint(insecure, insecure_allowed=True) == insecure
