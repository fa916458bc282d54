"""JSON from a stranger (MUST 23): vectors, limits, and what an HTTP answer may be."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entracte.protocol.errors import Reason, Refused
from entracte.protocol.json_documents import (
    MalformedJson,
    is_any_json,
    is_json,
    parse_json,
    parse_json_object,
    read_json,
    read_json_object,
    refused_status,
    required_text,
)
from entracte.protocol.messages import HttpResponse
from tests.protocol.signing import json_response, vectors

values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner)
    ),
    max_leaves=20,
)


@pytest.mark.parametrize("vector", vectors("json_documents.json"), ids=lambda vector: vector["id"])
def test_vectors(vector: dict[str, Any]) -> None:
    raw = vector["text"].encode()
    if vector["good"]:
        assert parse_json(raw) == json.loads(raw)
    else:
        with pytest.raises(MalformedJson) as refusal:
            parse_json(raw)
        assert str(refusal.value) == vector["why"]


@given(values)
def test_every_value_within_the_limits_comes_back(value: Any) -> None:
    assert parse_json(json.dumps(value).encode()) == value
    assert parse_json(json.dumps(value, ensure_ascii=False).encode()) == value


@given(st.binary() | st.text(alphabet='[]{}",:\\u0d8e1.-NaI ', max_size=80).map(str.encode))
def test_any_bytes_are_a_value_or_malformed(raw: bytes) -> None:
    try:
        value = parse_json(raw)
    except MalformedJson:
        return
    assert value == json.loads(raw)


@given(st.binary(min_size=1, max_size=40), st.integers(0, 40))
def test_the_limit_is_on_bytes(raw: bytes, limit: int) -> None:
    text = json.dumps(raw.hex()).encode()
    if len(text) <= limit:
        assert parse_json(text, maximum_bytes=limit) == raw.hex()
    else:
        with pytest.raises(MalformedJson, match="larger than the limit"):
            parse_json(text, maximum_bytes=limit)


def test_bytes_that_are_not_utf_8_are_refused() -> None:
    for raw in (b'"\xff"', '"é"'.encode("utf-16"), '"é"'.encode("latin-1")):
        with pytest.raises(MalformedJson, match="not UTF-8"):
            parse_json(raw)


@pytest.mark.conformance("MUST 23")
@pytest.mark.timeout(20)
@pytest.mark.parametrize("text", ['"' + '\\"' * 400_000, '["' * 30 + '\\"' * 400_000, "]" * 900_000, '"a"' * 300_000])
def test_hostile_texts_of_a_megabyte_are_refused_in_one_pass(text: str) -> None:
    """MUST 23: the check of the depth can not be made to go over the text again and again."""
    with pytest.raises(MalformedJson):
        parse_json(text.encode())


@pytest.mark.parametrize("raw", [b"[]", b"null", b'"a"', b"1", b"true"])
def test_only_an_object_is_an_object(raw: bytes) -> None:
    with pytest.raises(MalformedJson, match="not an object"):
        parse_json_object(raw)
    with pytest.raises(Refused) as refusal:
        read_json_object(json_response(raw))
    assert refusal.value.reason is Reason.RESPONSE_MALFORMED


def test_an_object_is_read() -> None:
    assert parse_json_object(b'{"a": [1]}') == {"a": [1]}
    assert read_json_object(json_response({"a": 1}, status=201)) == {"a": 1}
    assert read_json(json_response([1])) == [1]


@pytest.mark.parametrize(
    ("media_type", "plain", "any_kind"),
    [
        ("application/json", True, True),
        ("application/jwk-set+json", False, True),
        ("application/problem+json", False, True),
        ("text/json", False, True),
        ("text/html", False, False),
        ("text/plain+json", False, False),
        ("application/jwt", False, False),
        ("application/jsonp", False, False),
        ("", False, False),
    ],
)
def test_media_types(media_type: str, *, plain: bool, any_kind: bool) -> None:
    assert is_json(media_type) is plain
    assert is_any_json(media_type) is any_kind


@pytest.mark.parametrize("header", ["application/json", "Application/JSON; charset=UTF-8", " application/json ;q=1"])
def test_parameters_and_case_of_the_media_type_do_not_matter(header: str) -> None:
    assert read_json(json_response({}, media_type=header)) == {}


@pytest.mark.conformance("MUST 43")
@pytest.mark.parametrize("headers", [{}, {"content-type": ""}, {"content-type": "text/html"}])
def test_another_media_type_is_refused(headers: dict[str, str]) -> None:
    """MUST 43: not JSON, whatever the body looks like."""
    with pytest.raises(Refused) as refusal:
        read_json(HttpResponse(200, headers, b"{}"), malformed=Reason.JWKS_MALFORMED)
    assert refusal.value.reason is Reason.JWKS_MALFORMED


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (100, Reason.METADATA_MALFORMED),
        (204, Reason.METADATA_MALFORMED),
        (301, Reason.RESPONSE_REDIRECTED),
        (302, Reason.RESPONSE_REDIRECTED),
        (399, Reason.RESPONSE_REDIRECTED),
        (400, Reason.METADATA_MALFORMED),
        (404, Reason.METADATA_MALFORMED),
        (418, Reason.USERINFO_REFUSED),
        (429, Reason.PROVIDER_ERROR),
        (500, Reason.PROVIDER_ERROR),
        (503, Reason.PROVIDER_ERROR),
    ],
)
def test_what_a_status_means(status: int, reason: Reason) -> None:
    outcomes = {418: Reason.USERINFO_REFUSED}
    refusal = refused_status(status, malformed=Reason.METADATA_MALFORMED, outcomes=outcomes)
    assert refusal.reason is reason
    assert str(status) in refusal.evidence
    with pytest.raises(Refused) as raised:
        read_json(json_response({}, status=status), malformed=Reason.METADATA_MALFORMED, outcomes=outcomes)
    assert raised.value.reason is reason


@pytest.mark.conformance("BAD 50")
@pytest.mark.parametrize("value", [None, "", [], ["a"], {}, 1, 1.5, True])
def test_required_text_refuses_what_is_no_text(value: Any) -> None:
    """BAD 50: null, list or number where a string is expected."""
    for document in ({"name": value}, {}):
        with pytest.raises(Refused) as refusal:
            required_text(document, "name")
        assert refusal.value.reason is Reason.RESPONSE_MALFORMED
        assert "`name`" in refusal.value.evidence


def test_required_text_is_the_text() -> None:
    assert required_text({"name": "a"}, "name") == "a"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b'{"a":1', "not JSON"),
        (b"[1]", "not an object"),
        (b"\xff", "not UTF-8"),
        (b'{"a":1,"a":2}', "a name stands twice in one object"),
        (b'{"a":NaN}', "NaN and Infinity are not JSON"),
        (b'{"a":1e400}', "a number is out of range"),
        (b'{"a":18446744073709551616}', "a number is out of range"),
        (b'{"a":"\\ud800"}', "a string holds half a character"),
        (b"[" * 33, "nested too deeply"),
        (b" " * 101, "larger than the limit"),
    ],
)
def test_the_message_says_why(text: bytes, why: str) -> None:
    with pytest.raises(MalformedJson) as refusal:
        parse_json_object(text, maximum_bytes=100)
    assert str(refusal.value) == why


def test_the_evidence_of_an_answer_says_why() -> None:
    with pytest.raises(Refused) as refused:
        read_json(json_response(b" " * 101), malformed=Reason.JWKS_MALFORMED, maximum_bytes=100)
    assert refused.value.reason is Reason.JWKS_MALFORMED
    assert refused.value.evidence == "The answer can not be read: larger than the limit."


@pytest.mark.conformance("MUST 23")
@pytest.mark.parametrize(
    ("text", "good"),
    [
        (b"[[]" + b",[]" * 40 + b"]", True),
        (b"[" * 31 + b"[],[]" + b"]" * 31, True),
        (b"[" * 31 + b"[],[[]]" + b"]" * 31, False),
        (b"[[[[]],[[" + b"[" * 27 + b"]" * 27 + b"]]]]", True),
        (b"[[[[]],[[" + b"[" * 29 + b"]" * 29 + b"]]]]", False),
    ],
)
def test_the_depth_goes_up_and_down(text: bytes, *, good: bool) -> None:
    """MUST 23: what was closed counts no more, and what was closed twice is no credit."""
    if good:
        assert isinstance(parse_json(text), list)
    else:
        with pytest.raises(MalformedJson, match=r"^nested too deeply$"):
            parse_json(text)


def test_a_long_number_is_not_read_at_all() -> None:
    """21 characters are a sign and twenty digits: no number in range is longer."""
    assert parse_json(b"-18446744073709551615") == -(2**64 - 1)
    for text in (b"-18446744073709551616", b"0" * 5 + b"1", b"1" * 5000, b"-" + b"1" * 5000):
        with pytest.raises(MalformedJson):
            parse_json(text)


def test_half_a_character_in_a_name_and_two_halves() -> None:
    assert parse_json(b'"\\ud83d\\ude00"') == "\U0001f600"
    with pytest.raises(MalformedJson, match=r"^a string holds half a character$"):
        parse_json(b'{"\\udfff":1}')


@pytest.mark.parametrize(
    ("response", "reason", "evidence"),
    [
        (json_response([1]), Reason.JWKS_MALFORMED, "The answer is not a JSON object."),
        (json_response({}, media_type="text/html"), Reason.JWKS_MALFORMED, "The media type of the answer is not JSON."),
        (json_response(b"{"), Reason.JWKS_MALFORMED, "The answer can not be read: not JSON."),
        (json_response({}, status=418), Reason.USERINFO_REFUSED, "The status was 418."),
        (json_response({}, status=404), Reason.JWKS_MALFORMED, "The status was 404."),
        (json_response({"a": "x" * 20}), Reason.JWKS_MALFORMED, "The answer can not be read: larger than the limit."),
    ],
)
def test_an_object_is_read_with_the_same_options(response: HttpResponse, reason: Reason, evidence: str) -> None:
    options: Any = {"malformed": Reason.JWKS_MALFORMED, "outcomes": {418: Reason.USERINFO_REFUSED}, "maximum_bytes": 20}
    with pytest.raises(Refused) as refused:
        read_json_object(response, **options)
    assert (refused.value.reason, refused.value.evidence) == (reason, evidence)


def test_an_object_of_another_media_type_where_that_is_accepted() -> None:
    response = json_response({"a": 1}, media_type="application/jwk-set+json")
    assert read_json_object(response, accepts=is_any_json) == {"a": 1}
    with pytest.raises(Refused):
        read_json_object(response)


def test_the_edges_of_the_redirects() -> None:
    assert refused_status(300).reason is Reason.RESPONSE_REDIRECTED
    assert refused_status(299).reason is Reason.RESPONSE_MALFORMED
    assert refused_status(400).reason is Reason.RESPONSE_MALFORMED
    assert refused_status(499).reason is Reason.RESPONSE_MALFORMED
