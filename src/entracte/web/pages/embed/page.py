"""A campaign in a frame of the brand's page: begin, resume, and take what the top window brought.

Browsers refuse cookies in such a frame, so its key stands in the addresses under `/c/{campaign}/in/{key}`; the brand's
page keeps it between loads (`embed.js`). The page to come back to is told by `embed.js` and accepted only when its
origin is one that the campaign names.
"""

from dataclasses import replace
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from entracte.campaigns.model import Embed
from entracte.participation.take_part import Playing
from entracte.web.answers import see_other
from entracte.web.assets import asset
from entracte.web.pages.embed.views import render_not_framed
from entracte.web.visits import (
    Services,
    Visit,
    at_campaign,
    is_in_top_window,
    query_of,
    start,
    submit_when_complete,
)


def routes(services: Services) -> list[Route]:
    """The routes of a frame."""

    return [
        Route("/c/{campaign}/in", at_campaign(services, _begin), methods=["GET"]),
        Route("/c/{campaign}/in/{key}", at_campaign(services, _resume), methods=["GET"]),
        Route("/c/{campaign}/in/{key}/return/{handle}", at_campaign(services, _claim), methods=["GET"]),
        Route("/c/{campaign}/return/{handle}", at_campaign(services, _claim), methods=["GET"]),
        Route("/embed.js", _embed_script, methods=["GET"]),
    ]


async def _begin(request: Request, seen: Visit) -> Response:
    """Begin a participation in a frame, for a page (`page`) whose origin the campaign names."""
    if is_in_top_window(request):
        return see_other(f"/c/{seen.definition.campaign}")
    embed_page = accepted_page(request.query_params.get("page", ""), seen.definition.embed)
    if not embed_page or not seen.is_open:
        return _not_framed(seen, embed_page)
    seen = await start(seen, embed_page=embed_page)
    return see_other(seen.base)


async def _resume(request: Request, seen: Visit) -> Response:
    """On to where the participation of this key is."""
    if seen.playing is None:
        return see_other(f"/c/{seen.definition.campaign}/in?{query_of(request)}")
    return seen.with_playing(seen.playing).to_current()


async def _claim(request: Request, seen: Visit) -> Response:
    """Take, once, what the sign-in in another window brought: the top window of a frame, or a pop-up."""
    if seen.playing is None:
        frame = f"/in?{query_of(request)}" if seen.embedded else ""
        return see_other(f"/c/{seen.definition.campaign}{frame}")
    playing = await seen.services.signing_in.claim(seen.playing, request.path_params["handle"])
    await submit_when_complete(seen, playing)
    claimed = seen.with_playing(playing)
    if await _went_differently(seen, playing):
        return claimed.to("sign-in/mishap")
    return claimed.remember(see_other(claimed.base))


async def _went_differently(seen: Visit, playing: Playing) -> bool:
    """Whether the last sign-in ended without a profile."""
    kept = playing.participation
    attempt = await seen.services.take_part.participations.latest_attempt(kept.organization, kept.id)
    return kept.profile is None and attempt is not None and attempt.finished_at is not None


async def _embed_script(request: Request) -> Response:
    """The script for the brand's page: it puts the campaign's frame there."""
    script = asset("embed.js")
    headers = {
        "Cache-Control": "public, max-age=300",
        "ETag": script.etag,
        "Cross-Origin-Resource-Policy": "cross-origin",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(script.body, media_type=script.media_type, headers=headers)


def accepted_page(address: str, embed: Embed | None) -> str:
    """The brand's page to come back to, or nothing: its origin must be one that the campaign names, byte for byte;
    no user information, control characters, backslashes or fragment (RFC 9700 section 4.11)."""
    if embed is None or len(address) > 2000 or not address.isascii() or not address.isprintable():
        return ""
    if "\\" in address or " " in address:
        return ""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    if f"{parts.scheme}://{parts.netloc}" not in embed.origins:
        return ""
    return address.partition("#")[0]


def _not_framed(seen: Visit, embed_page: str) -> Response:
    """The campaign can not be played in this frame: it can be opened by itself. Only a page that the campaign names
    shows that; in a stranger's nothing of ours is shown, and there `embed.js` has a link on the page itself."""
    parts = urlsplit(embed_page)
    context = replace(seen.context(), frame_parent=f"{parts.scheme}://{parts.netloc}" if embed_page else "")
    return seen.page(render_not_framed(context, address=f"/c/{seen.definition.campaign}"), status=400)
