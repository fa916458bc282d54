"""How the answer of any endpoint goes wrong: its status, type, body, time. `token_500`, `userinfo_drips`, …"""

import gzip
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.misbehaving_provider.model import INTERNAL

if TYPE_CHECKING:
    from tests.misbehaving_provider.provider import MisbehavingProvider

Answer = Callable[["MisbehavingProvider", web.Request, web.StreamResponse], Awaitable[web.StreamResponse]]
"""Makes an answer in place of the good one."""

PLACES: Mapping[str, str] = {
    "/token": "token",
    "/userinfo": "userinfo",
    "/jwks": "jwks",
    "/par": "par",
    "/introspect": "introspection",
    "/revoke": "revocation",
    "/register": "registration",
    "/.well-known/openid-configuration": "discovery",
    "/.well-known/oauth-authorization-server": "discovery",
    "/.well-known/webfinger": "webfinger",
    "/claims": "source",
}
"""How the answers of an endpoint are named in misbehaviours."""


def json_answer(document: Any, status: int = 200) -> Answer:
    async def respond(
        provider: "MisbehavingProvider", request: web.Request, good: web.StreamResponse
    ) -> web.StreamResponse:
        return web.json_response(document, status=status)

    return respond


def changed(change: Callable[[dict[str, Any]], Any]) -> Answer:
    """The good document, changed."""

    async def respond(
        provider: "MisbehavingProvider", request: web.Request, good: web.StreamResponse
    ) -> web.StreamResponse:
        document = document_of(good)
        return good if document is None else web.json_response(change(document), status=good.status)

    return respond


def document_of(response: web.StreamResponse) -> dict[str, Any] | None:
    """The JSON object of an answer; None when it has none."""
    if not isinstance(response, web.Response) or not response.content_type.endswith("json") or not response.text:
        return None
    document = json.loads(response.text)
    return document if isinstance(document, dict) else None


def _text_answer(text: str, content_type: str, status: int = 200) -> Answer:
    async def respond(
        provider: "MisbehavingProvider", request: web.Request, good: web.StreamResponse
    ) -> web.StreamResponse:
        return web.Response(text=text, content_type=content_type, status=status)

    return respond


def _rewritten(rewrite: Callable[[str], str], content_type: str = "application/json") -> Answer:
    """The good text, rewritten."""

    async def respond(
        provider: "MisbehavingProvider", request: web.Request, good: web.StreamResponse
    ) -> web.StreamResponse:
        text = good.text or "{}" if isinstance(good, web.Response) else "{}"
        return web.Response(text=rewrite(text), content_type=content_type, status=good.status)

    return respond


def _redirect(target: str) -> Answer:
    async def respond(
        provider: "MisbehavingProvider", request: web.Request, good: web.StreamResponse
    ) -> web.StreamResponse:
        return web.Response(status=307, headers={"Location": target or f"{provider.issuer}/elsewhere"})

    return respond


async def _hang(
    provider: "MisbehavingProvider", request: web.Request, good: web.StreamResponse
) -> web.StreamResponse:  # fmt: skip
    await provider.until_stopped()
    return web.Response(status=503)


async def _drip(
    provider: "MisbehavingProvider", request: web.Request, good: web.StreamResponse
) -> web.StreamResponse:  # fmt: skip
    """One byte of white space after the other, which JSON may begin with, as long as somebody listens."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    while not await provider.until_stopped(0.1):
        await response.write(b" ")
    return response


async def _endless(
    provider: "MisbehavingProvider", request: web.Request, good: web.StreamResponse
) -> web.StreamResponse:
    """A text in JSON that does not end, as fast as it is read."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    await response.write(b'{"endless": "')
    while not await provider.until_stopped(0):
        await response.write(b"x" * 65_536)
    return response


async def _reset(
    provider: "MisbehavingProvider", request: web.Request, good: web.StreamResponse
) -> web.StreamResponse:  # fmt: skip
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _bomb(
    provider: "MisbehavingProvider", request: web.Request, good: web.StreamResponse
) -> web.StreamResponse:  # fmt: skip
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    return web.Response(body=gzip.compress(b" " * 50_000_000), headers=headers)


async def _many_headers(
    provider: "MisbehavingProvider", request: web.Request, good: web.StreamResponse
) -> web.StreamResponse:
    good.headers.update({f"X-Padding-{number}": "x" * 4000 for number in range(100)})
    return good


def _all(value: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda document: dict.fromkeys(document, value)


ANSWERS: Mapping[str, Answer] = {
    "400": json_answer({"error": "invalid_grant", "error_description": "<b>told</b>"}, 400),
    "401": json_answer({"error": "invalid_client"}, 401),
    "500": _text_answer("<h1>Internal Server Error</h1>", "text/html", 500),
    "503": _text_answer("", "text/plain", 503),
    "html": _text_answer("<h1>Welcome</h1>", "text/html"),
    "not_json": _text_answer("access_token=a&token_type=bearer", "application/json"),
    "other_type": _rewritten(str, "text/plain"),
    "empty": _text_answer("", "application/json"),
    "array": json_answer([]),
    "null": json_answer(None),
    "null_fields": changed(_all(None)),
    "number_fields": changed(_all(7)),
    "array_fields": changed(_all(["a"])),
    "object_fields": changed(_all({"a": "b"})),
    "repeated": _rewritten(lambda text: text[:1] + '"sub": "a", "sub": "b", ' + text[1:]),
    "deep": _rewritten(lambda text: text[:-1] + ', "deep": ' + "[" * 200 + "]" * 200 + "}"),
    "huge": changed(lambda document: {**document, "padding": "x" * 2_000_000}),
    "bomb": _bomb,
    "many_headers": _many_headers,
    "redirect": _redirect(""),
    "redirect_inside": _redirect(f"{INTERNAL}/latest"),
    "resets": _reset,
    "hangs": _hang,
    "drips": _drip,
    "endless": _endless,
}
REFUSED_TOKEN = json_answer({"error": "invalid_token"}, 401)
SLOW = ("hangs", "drips")
"""They take as long as a client lets them."""

OF_A_DOCUMENT = frozenset({"null_fields", "number_fields", "array_fields", "object_fields", "huge"})
WITHOUT_DOCUMENT = frozenset({"revocation", "source"})
"""Places whose answer is no JSON, so that none can be changed."""

EVERYWHERE = frozenset(
    f"{place}_{kind}"
    for place in PLACES.values()
    for kind in ANSWERS
    if not (place in WITHOUT_DOCUMENT and kind in OF_A_DOCUMENT)
)


async def answer(provider: "MisbehavingProvider", request: web.Request, good: web.StreamResponse) -> web.StreamResponse:
    """The answer that goes wrong as the switch says, or the good one."""
    place = PLACES.get("/jwks" if request.path == provider.jwks_path else request.path, "-")
    wrong = ANSWERS.get(provider.misbehaviour.removeprefix(f"{place}_"))
    if provider.misbehaviour == "userinfo_401":
        wrong = REFUSED_TOKEN
    if wrong is None or not provider.misbehaviour.startswith(f"{place}_"):
        return good
    return await wrong(provider, request, good)
