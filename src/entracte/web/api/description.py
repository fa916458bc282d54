"""What the API says of itself: OpenAPI 3.1, made from the routes."""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from entracte import __version__
from entracte.web.allowance import WINDOW
from entracte.web.api.idempotency import HEADER, WRITES
from entracte.web.api.problems import MEDIA_TYPE, ProblemDocument

ABOUT = """For programs of an organization. Every request shows a token: `Authorization: Bearer entracte_…`, made by
`entracte token create` or here. Times are in UTC (RFC 3339). What belongs to another organization is answered as what
is not there. What goes wrong is a problem document (RFC 9457) with a stable `code`."""
TAGS = (
    ("organization", "The organization of the token."),
    ("connections", "Its authorization servers."),
    ("campaigns", "What is published and what is in work."),
    ("entries", "What people submitted."),
    ("participations", "How far people came."),
    ("attempts", "Why a sign-in failed."),
    ("statistics", "The numbers of a campaign."),
    ("tokens", "Who may call this."),
)
_PROBLEMS = {
    "400": "A value, a parameter or the body can not be read.",
    "401": "There is no valid token.",
    "403": "The token does not have the scope.",
    "404": "It is not there, or another organization's.",
    "429": f"The token has made its requests of these {WINDOW} seconds.",
    "503": "The database is away for a moment. Send the request again.",
}
_PROBLEMS_OF_WRITES = {
    "409": "It can not be done as things stand.",
    "412": "It is not what you have read.",
    "413": "The body is too large.",
    "415": "The body came in another media type.",
    "422": "The idempotency key was used for another request.",
    "502": "The authorization server answered wrongly or not at all.",
}
_METHODS = frozenset({"get", "put", "post", "patch", "delete"})


def describe(app: FastAPI, public_url: str) -> dict[str, Any]:
    """The OpenAPI document."""
    document = get_openapi(
        title="Entracte",
        version=__version__,
        summary="Connections, campaigns, entries and numbers.",
        description=ABOUT,
        routes=app.routes,
        tags=[{"name": name, "description": about} for name, about in TAGS],
        servers=[{"url": public_url}],
    )
    _add_problem_schemas(document)
    for method, operation in _operations(document):
        _complete(method, operation)
    return document


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in document["paths"].values():
        for method, operation in path.items():
            if method in _METHODS:
                yield method, operation


def _complete(method: str, operation: dict[str, Any]) -> None:
    """The answers that every operation can give, and the header that every write takes."""
    writes = method.upper() in WRITES
    operation["responses"].pop("422", None)  # the framework's own; ours is another
    for status, about in (_PROBLEMS | (_PROBLEMS_OF_WRITES if writes else {})).items():
        operation["responses"][status] = {
            "description": about,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}},
        }
    for status, answer in operation["responses"].items():
        if status != "401":
            answer.setdefault("headers", {}).update(_RATE_HEADERS)
    if writes:
        operation.setdefault("parameters", []).append(_IDEMPOTENCY)


def _add_problem_schemas(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schema = ProblemDocument.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(schema.pop("$defs", {}))
    schemas["ProblemDocument"] = schema


_RATE_HEADERS = {
    "RateLimit-Policy": {
        "description": "How many requests a token may make in how many seconds.",
        "schema": {"type": "string"},
    },
    "RateLimit": {"description": "How many are left, and for how many seconds.", "schema": {"type": "string"}},
}
_IDEMPOTENCY = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "A key of yours: the same request with the same key is done once, and answered alike for a day. "
    "It may stand in quotation marks.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[\x21\x23-\x5b\x5d-\x7e]+$"},
}
