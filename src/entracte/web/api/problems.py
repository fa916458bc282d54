"""What went wrong, as a problem document (RFC 9457)."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from entracte.errors import EntracteError, Kind, LocalError, Problem
from entracte.web.api.access import Refusal
from entracte.web.problems import STATUS

MEDIA_TYPE = "application/problem+json"
_SECONDS = "5"
"""For Retry-After, when the database is away."""
_BY_STATUS = {
    404: Problem(Kind.NOT_FOUND, "not_there", "There is nothing at this address."),
    405: Problem(Kind.METHOD, "method_not_allowed", "This address takes another method."),
}
_BROKEN = Problem(Kind.UNAVAILABLE, "internal", "Something went wrong on our side.")
_UNREADABLE = Problem(Kind.BAD_INPUT, "body_malformed", "The body can not be read as JSON.")


class OneProblem(BaseModel):
    """One thing that is wrong."""

    code: str = Field(description="Stable, for programs.", examples=["request_malformed"])
    detail: str = Field(description="What happened, for people.")
    hint: str = Field("", description="What to do.")
    where: str = Field("", description="The place: a value of the body, a parameter, a line of a campaign's file.")


class ProblemDocument(OneProblem):
    """What went wrong (RFC 9457). Where several things are wrong, `errors` has all of them, the first one too."""

    type: str = Field(description="The address of a page about this code.")
    title: str = Field(description="The status in words.")
    status: int = Field(description="The HTTP status.")
    errors: tuple[OneProblem, ...] = ()


def answer(error: EntracteError, public_url: str) -> JSONResponse:
    """The problem document of an error."""
    status = STATUS[error.problem.kind]
    return JSONResponse(
        _document(error.problems, status, public_url), status, _headers(error, status), media_type=MEDIA_TYPE
    )


def broken(public_url: str) -> JSONResponse:
    """The problem document of a mistake of ours."""
    return JSONResponse(_document([_BROKEN], 500, public_url), 500, media_type=MEDIA_TYPE)


def of_request(error: RequestValidationError) -> LocalError:
    """What is wrong with a request's values. No value is repeated."""
    found = error.errors()
    if any(item["loc"][:1] == ("path",) for item in found):
        return LocalError(_BY_STATUS[404])
    if any(item["type"] == "json_invalid" for item in found):
        return LocalError(_UNREADABLE)
    return LocalError(*map(_of_value, found))


def of_http(error: HTTPException) -> EntracteError:
    """What the framework found: no such address, another method, a body that can not be read."""
    problem = _BY_STATUS.get(error.status_code, _UNREADABLE)
    return Refusal(problem, error.headers or {})


def _of_value(item: Mapping[str, Any]) -> Problem:
    return Problem(Kind.BAD_INPUT, "request_malformed", f"{item['msg']}.", where=_spell(item["loc"]))


def _spell(place: Sequence[str | int]) -> str:
    """`body.claims.email.paths[0]`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).removeprefix(".")


def _document(problems: Sequence[Problem], status: int, public_url: str) -> dict[str, Any]:
    first = problems[0]
    document = {
        "type": f"{public_url}/api/problems/{first.code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        **_one(first),
    }
    return document | ({"errors": [_one(problem) for problem in problems]} if len(problems) > 1 else {})


def _one(problem: Problem) -> dict[str, str]:
    said = {"code": problem.code, "detail": problem.message, "hint": problem.hint, "where": problem.where}
    return {name: text for name, text in said.items() if text}


def _headers(error: EntracteError, status: int) -> dict[str, str]:
    headers = dict(error.headers) if isinstance(error, Refusal) else {}
    return headers | ({"Retry-After": _SECONDS} if status == 503 else {})
