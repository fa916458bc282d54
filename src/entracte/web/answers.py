"""Answers with the headers that every page of ours has."""

from base64 import urlsafe_b64encode
from collections.abc import Sequence
from ssl import RAND_bytes

from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "unsafe-none",
}

_UNFRAMED = {"content-security-policy": "default-src 'none'; frame-ancestors 'none'", "X-Frame-Options": "DENY"}


def new_nonce() -> str:
    """A nonce for the one style element of a page (Content Security Policy Level 3)."""
    # OpenSSL's generator, in the process: the system's gives the interpreter to another thread at each call
    return urlsafe_b64encode(RAND_bytes(16)).rstrip(b"=").decode()


def page(
    html: str,
    nonce: str,
    *,
    status: int = 200,
    framed_by: Sequence[str] = (),
    frames: Sequence[str] = (),
    referrer: str = "same-origin",
) -> HTMLResponse:
    """A page of ours. `framed_by` are the origins that may frame it, `frames` those that it frames; none by default.
    `referrer` is `no-referrer` for a page without a form at an address that holds a code.

    There is no `form-action`: browsers apply it to redirects as well, and the sign-in leads to hosts of the brand
    that we do not know beforehand.
    """
    ancestors = " ".join(framed_by) or "'none'"
    framing = f"frame-src {' '.join(frames)}; " if frames else ""
    policy = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'self'; img-src 'self' data:; "
        f"{framing}base-uri 'none'; frame-ancestors {ancestors}"
    )
    # pages hold forms, and a post from a page without a referrer says `Origin: null`: our own origin may be told
    headers = {**_HEADERS, "Referrer-Policy": referrer, "Content-Security-Policy": policy}
    if not framed_by:
        headers["X-Frame-Options"] = "DENY"
    return HTMLResponse(html, status_code=status, headers=headers)


def plain(text: str, status: int, **headers: str) -> Response:
    """A line for machines: what is asked for by a monitor, a robot or a browser that only looks ahead."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return PlainTextResponse(text, status_code=status, headers={**_HEADERS, **_UNFRAMED, **named})


def see_other(address: str) -> Response:
    """303: the next page is got with GET, and the address with the parameters leaves the history
    (RFC 9700 section 4.12: never 307)."""
    return RedirectResponse(address, status_code=303, headers=_HEADERS)
