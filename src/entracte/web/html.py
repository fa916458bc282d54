"""Pages: the context that each of them has, and the one Jinja environment that renders them.

Templates are named by their path below `web`: `layout/page.html`, `pages/take_part/question.html`. A template that
says something to people needs `language` in its values, and imports macros that do so `with context`.
"""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal
from urllib.parse import quote

from jinja2 import Environment
from markupsafe import Markup, escape

from entracte.campaigns.model import Text
from entracte.organizations.model import Brand
from entracte.web.assets import asset_address
from entracte.web.brand import brand_style, dark_palette, light_palette
from entracte.web.templates import new_environment
from entracte.web.translations import language_name, text_direction


@dataclass(frozen=True, slots=True)
class PageContext:
    """What every page of one participation knows.

    `base` is the address prefix of the participation (`/c/summer-quiz`, `/c/summer-quiz/in/KEY`), `here` the path of
    this page, `nonce` the one of the Content-Security-Policy. In a frame, `frame_parent` is the origin of the brand's
    page, the only one that is told the `participation_key`.
    """

    brand: Brand
    organization_title: str
    campaign_title: str
    languages: tuple[str, ...]
    language: str
    base: str
    here: str
    nonce: str
    embedded: bool = False
    frame_parent: str = ""
    participation_key: str = field(default="", repr=False)

    def say(self, text: Text | None) -> str:
        """A text of the campaign in this page's language, or in the campaign's first one; empty for None."""
        if text is None or isinstance(text, str):
            return text or ""
        return text.get(self.language) or text[self.languages[0]]

    @property
    def direction(self) -> Literal["ltr", "rtl"]:
        return text_direction(self.language)

    @property
    def campaign_name(self) -> str:
        """The campaign's name in addresses; empty where there is no campaign."""
        return self.base.removeprefix("/c/").split("/")[0]

    @property
    def tile(self) -> str:
        """What stands on the tile: the brand's mark, or the first letter of its name."""
        return self.brand.mark or self.organization_title[:1].upper()

    @property
    def look(self) -> "Look":
        return look_of(self.brand, self.tile)


NEUTRAL_BRAND = Brand(mark="", color="#3d4543", accent="#8a9490", paper="#f8f8f6", ink="#1b1f1e")


def neutral_context(language: str, nonce: str) -> PageContext:
    """The context of a page that belongs to nobody we know: no brand, no campaign."""
    return PageContext(
        brand=NEUTRAL_BRAND,
        organization_title="",
        campaign_title="",
        languages=(language,),
        language=language,
        base="",
        here="",
        nonce=nonce,
    )


@dataclass(frozen=True, slots=True)
class Progress:
    """Where the participant is. `label` is in the page's language already."""

    segments: tuple[Literal["done", "current", "ahead"], ...]
    label: str

    @property
    def position(self) -> int:
        """The number of the current segment from 1, or of the last one when all are done."""
        return self.segments.index("current") + 1 if "current" in self.segments else len(self.segments)


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The one environment of the participant's pages."""
    made = new_environment()
    made.globals.update(
        asset_address=asset_address,
        language_name=language_name,
    )
    made.filters["with_links"] = with_links
    return made


def render(template: str, language: str, **values: object) -> str:
    """One page. Raises jinja2.UndefinedError when the template names a value that is not given."""
    return environment().get_template(template).render(language=language, **values)


@dataclass(frozen=True, slots=True)
class Look:
    """What a brand and its tile make of a page's head. `icon` is a picture in a `data:` address, for the browser's
    tab; `dark_paper` is empty where pages do not follow the dark scheme."""

    style: Markup
    paper: str
    dark_paper: str
    icon: str


_LOOKS: dict[tuple[int, str], tuple[Brand, Look]] = {}
"""By the identity of a brand, which is kept beside: comparing brands costs more than all the rest of a page's head."""
_MOST_LOOKS = 2048


def look_of(brand: Brand, tile: str) -> Look:
    """The look of a brand with what stands on its tile; worked out once for each brand that the process has read."""
    known = _LOOKS.get((id(brand), tile))
    if known is not None and known[0] is brand:
        return known[1]
    dark = dark_palette(brand).paper if brand.dark else ""
    look = Look(brand_style(brand), light_palette(brand).paper, dark, tile_icon(brand, tile))
    if len(_LOOKS) >= _MOST_LOOKS:
        _LOOKS.clear()
    _LOOKS[id(brand), tile] = brand, look
    return look


def tile_icon(brand: Brand, tile: str) -> str:
    """The brand's tile as a picture in a `data:` address."""
    color = light_palette(brand)
    picture = Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="{}"/>'
        '<text x="16" y="22" font-size="17" font-family="sans-serif" text-anchor="middle" fill="{}">{}</text></svg>'
    ).format(color.brand, color.mark, tile)
    return f"data:image/svg+xml,{quote(picture)}"


LINK = re.compile(r"\[([^\[\]]+)\]\((https?://[^\s()<>\"']+)\)")


def with_links(label: str, note: str) -> Markup:
    """A label in which `[words](https://…)` became a link to a new window; everything else is escaped.

    `note` says, for those who do not see it, that the link opens in a new window.
    """
    pieces, end = [], 0
    for found in LINK.finditer(label):
        pieces += [escape(label[end : found.start()]), _link(found[1], found[2], note)]
        end = found.end()
    return Markup("").join([*pieces, escape(label[end:])])


def _link(words: str, address: str, note: str) -> Markup:
    return Markup(
        '<a href="{}" target="_blank" rel="noopener noreferrer">{}<span class="unseen"> ({})</span></a>'
    ).format(address, words, note)
