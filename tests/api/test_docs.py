"""The pages about the REST API."""

import re
from html import unescape

import httpx
import pytest

from entracte.protocol.errors import Reason
from entracte.web.api.app import document
from entracte.web.pages.api_docs.page import codes
from entracte.web.pages.api_docs.views import code_marked, rooms
from tests.api.programs import Neighbours


def page(town: Neighbours, path: str) -> httpx.Response:
    return httpx.get(f"http://127.0.0.1:{town.served.port}{path}", headers={"Connection": "close"}, timeout=30)


def test_every_operation_is_on_the_page(town: Neighbours) -> None:
    answer = page(town, "/api/docs")
    assert answer.status_code == 200
    text = unescape(re.sub("<[^>]+>", "", answer.text))
    operations = [
        operation for room in rooms(document(town.served.settings.public_url)) for operation in room.operations
    ]
    assert len(operations) == sum(len(of_path) for of_path in document("https://x.example")["paths"].values())
    for operation in operations:
        assert operation.about
        assert operation.example in text
        for scope in operation.scopes:
            assert scope in text


def test_the_page_asks_no_other_host(town: Neighbours) -> None:
    answer = page(town, "/api/docs")
    assert not re.findall(r"(?:src|href)=\"(?:https?:)?//", answer.text)
    assert "<script" not in answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Frame-Options"] == "DENY"


def test_every_value_has_a_word_about_it() -> None:
    wordless = [
        f"{operation.key}: {field.name}"
        for room in rooms(document("https://x.example"))
        for operation in room.operations
        for field in (*operation.parameters, *operation.body)
        if not field.about and field.place != "path"
    ]
    assert wordless == []


def test_every_code_has_its_page(town: Neighbours) -> None:
    for code in (*codes(), *(reason.code for reason in Reason)):
        answer = page(town, f"/api/problems/{code}")
        assert answer.status_code == 200, code
        assert f"<code>{code}</code>" in answer.text


@pytest.mark.parametrize("code", ["nothing_of_ours", "%00", "<script>"])
def test_a_code_that_is_none(code: str, town: Neighbours) -> None:
    answer = page(town, f"/api/problems/{code}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_the_description_is_openapi(town: Neighbours) -> None:
    answer = page(town, "/api/openapi.json")
    described = answer.json()
    assert described["openapi"] == "3.1.0"
    assert described["servers"] == [{"url": town.served.settings.public_url}]
    for of_path in described["paths"].values():
        for method, operation in of_path.items():
            assert operation["security"], operation["operationId"]
            assert {"400", "401", "403", "404", "429", "503"} <= set(operation["responses"])
            named = [parameter["name"] for parameter in operation.get("parameters", ())]
            assert ("Idempotency-Key" in named) == (method != "get")


ABOUT_SECRETS = {"secrets", "made_secret"}
"""That there are some, and what one is made of; never what it is."""


def test_secrets_are_written_and_never_read() -> None:
    schemas = document("https://x.example")["components"]["schemas"]
    for name, schema in schemas.items():
        for field, about in schema.get("properties", {}).items():
            if "secret" in field and field not in ABOUT_SECRETS:
                assert about["writeOnly"] is True, f"{name}.{field}"
    assert schemas["MadeSecret"]["properties"].keys() == {"issuer", "audience"}
    assert "client_secret" not in schemas["ShownConnection"]["properties"]


def test_texts_with_code_in_them() -> None:
    assert code_marked("give `next` as `cursor`.") == (
        ("give ", False), ("next", True), (" as ", False), ("cursor", True), (".", False)
    )  # fmt: skip
