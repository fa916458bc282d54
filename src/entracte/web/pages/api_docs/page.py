"""`/api/docs` and `/api/problems/{code}`: for people who write programs. In English, as the description itself is."""

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from entracte.web.answers import new_nonce, page
from entracte.web.pages.api_docs.views import render_docs, render_problem
from entracte.web.visits import NotThere

_CODES = Path(__file__).with_name("problem_codes.json")
"""Made by `make reference` from what the program can say."""


def routes(document: Callable[[], Mapping[str, Any]]) -> list[BaseRoute]:
    """The pages about the API that this document describes."""

    async def docs(request: Request) -> Response:
        """What the REST API can do, for people."""
        nonce = new_nonce()
        return page(render_docs(document(), nonce), nonce)

    async def problem(request: Request) -> Response:
        """What a code of a problem document means."""
        known = codes().get(request.path_params["code"])
        if known is None:
            raise NotThere
        nonce = new_nonce()
        html = render_problem(request.path_params["code"], known["status"], tuple(known["says"]), nonce)
        return page(html, nonce)

    return [
        Route("/api/docs", docs, methods=["GET"]),
        Route("/api/problems/{code}", problem, methods=["GET"]),
    ]


@lru_cache(maxsize=1)
def codes() -> Mapping[str, Mapping[str, Any]]:
    """Every problem code: its status, and what is said with it."""
    found: dict[str, dict[str, Any]] = json.loads(_CODES.read_text(encoding="utf-8"))
    return found
