"""The scripts that pages load, read once at import. Their addresses carry a hash of what is in them.

An address with its hash may be kept for a year; `/embed.js` stands in pages of brands, has no hash, and is asked for
again by its `etag`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType

PAGES = Path(__file__).parent / "pages"
JAVASCRIPT = "text/javascript; charset=utf-8"

FILES: Mapping[str, tuple[str, str]] = MappingProxyType({
    "take_part.js": ("take_part/take_part.js", JAVASCRIPT),
    "sign_in.js": ("sign_in/sign_in.js", JAVASCRIPT),
    "popup.js": ("sign_in/popup.js", JAVASCRIPT),
    "fragment.js": ("sign_in/fragment.js", JAVASCRIPT),
    "watch_session.js": ("sign_out/watch_session.js", JAVASCRIPT),
    "frame.js": ("embed/frame.js", JAVASCRIPT),
    "embed.js": ("embed/embed.js", JAVASCRIPT),
})  # fmt: skip
"""Name in the address -> file below `pages`, media type."""

FIXED_ADDRESSES: Mapping[str, str] = MappingProxyType({"embed.js": "/embed.js"})
"""Addresses that are public names and never change."""


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is sent. `etag` is a quoted HTTP entity tag (RFC 9110 section 8.8.3)."""

    body: bytes
    media_type: str
    etag: str

    @property
    def version(self) -> str:
        return self.etag.strip('"')


def _load(file: str, media_type: str) -> Asset:
    body = (PAGES / file).read_bytes()
    return Asset(body, media_type, f'"{sha256(body).hexdigest()[:16]}"')


ASSETS: Mapping[str, Asset] = MappingProxyType({name: _load(*entry) for name, entry in FILES.items()})


def asset(name: str) -> Asset:
    """The file of that name. Raises KeyError when there is none."""
    return ASSETS[name]


def asset_address(name: str) -> str:
    """Where pages find it: `/assets/take_part.js?v=…`. Raises KeyError when there is none."""
    return FIXED_ADDRESSES.get(name) or f"/assets/{name}?v={asset(name).version}"


def asset_or_none(name: str) -> Asset | None:
    """The file of that name, if there is one."""
    return ASSETS.get(name)
