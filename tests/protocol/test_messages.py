"""Requests and answers show nothing that is secret (MUST 53)."""

import pytest

from entracte.protocol.messages import HttpRequest, HttpResponse
from entracte.values import Secret


def test_a_request_does_not_show_body_and_secret_headers() -> None:
    request = HttpRequest(
        "POST", "https://as.example/token", body=Secret("canary"), secret_headers={"Authorization": Secret("canary")}
    )
    assert "canary" not in repr(request)
    assert "https://as.example/token" in repr(request)


def test_a_request_without_a_body_has_an_empty_one() -> None:
    request = HttpRequest("GET", "https://as.example/")
    assert request.body.reveal() == ""
    assert dict(request.secret_headers) == {}


def test_an_answer_does_not_show_headers_and_body() -> None:
    assert "canary" not in repr(HttpResponse(200, {"set-cookie": "canary"}, b"canary"))


@pytest.mark.parametrize(
    ("headers", "media_type"),
    [
        ({}, ""),
        ({"content-type": ""}, ""),
        ({"content-type": "application/json"}, "application/json"),
        ({"content-type": " Application/JSON ; charset=utf-8"}, "application/json"),
        ({"content-type": ";"}, ""),
    ],
)
def test_the_media_type(headers: dict[str, str], media_type: str) -> None:
    assert HttpResponse(200, headers, b"").media_type == media_type
