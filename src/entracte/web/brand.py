"""The CSS custom properties of a brand, with every contrast checked and mended.

An organization chooses a colour, an accent, a paper and an ink. What people have to read or find on the page is
corrected until it meets WCAG 2.2: 4.5 for text (success criterion 1.4.3), 3 for what shows a control or its state
(1.4.11). The brand's own colour stays untouched where it is a plain surface with its own readable text on it.
"""

from collections.abc import Sequence
from colorsys import hls_to_rgb, rgb_to_hls
from dataclasses import asdict, dataclass
from functools import lru_cache

from markupsafe import Markup

from entracte.organizations.model import Brand

WHITE = "#ffffff"
BLACK = "#000000"
TEXT = 4.5
CONTROL = 3.0
COMFORT = 7.0
ROOM = 10.0
"""The least contrast that black or white has on a paper: below it there is no room for tints and quiet text."""

SYSTEM_FONTS = (
    'Inter,ui-sans-serif,system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,"Noto Sans",sans-serif'
)
GENERIC_FAMILIES = frozenset({
    "serif", "sans-serif", "monospace", "cursive", "fantasy", "system-ui",
    "ui-serif", "ui-sans-serif", "ui-monospace", "ui-rounded", "inherit",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of a page in one scheme, as `#rrggbb`. Each field is a custom property of the same name."""

    paper: str
    surface: str
    """Rows to tap and fields to type in."""
    shade: str
    """Fields that can not be changed."""
    tint: str
    """What is chosen, and the account."""
    ink: str
    quiet: str
    line: str
    """Borders that only decorate."""
    edge: str
    """Borders that show where a control is."""
    brand: str
    brand_over: str
    on_brand: str
    brand_text: str
    brand_edge: str
    mark: str
    accent: str
    problem: str
    safe: str

    @property
    def grounds(self) -> tuple[str, ...]:
        """Everything that text may stand on."""
        return self.paper, self.surface, self.shade, self.tint


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, 1 to 21 (WCAG 2.2, "contrast ratio")."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def mix(color: str, other: str, share: float) -> str:
    """`color` with a share (0 to 1) of `other` in it."""
    pairs = zip(_channels(color), _channels(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def readable(color: str, grounds: Sequence[str], ratio: float) -> str:
    """The colour nearest to `color`, lighter or darker in its own hue, with that contrast on each of the grounds.

    Where no colour reaches the ratio it is black or white, whichever comes nearer.
    """
    if _least_contrast(color, grounds) >= ratio:
        return color
    extreme = _text_extreme(grounds)
    steps = (_lighter(color, step / 50, extreme) for step in range(1, 50))
    return next((step for step in steps if _least_contrast(step, grounds) >= ratio), extreme)


@lru_cache(maxsize=256)
def light_palette(brand: Brand) -> Palette:
    """The brand's own colours."""
    return _palette(_with_room(brand.paper), brand.ink, brand.color, brand.accent)


@lru_cache(maxsize=256)
def dark_palette(brand: Brand) -> Palette:
    """The brand in the dark: its ink becomes the paper, its paper the ink. A brand with a dark paper stays as it is."""
    if _is_dark(_with_room(brand.paper)):
        return light_palette(brand)
    paper = _with_room(mix(light_palette(brand).ink, BLACK, 0.3))
    return _palette(paper, mix(brand.paper, BLACK, 0.06), brand.color, brand.accent)


@lru_cache(maxsize=256)
def brand_style(brand: Brand) -> Markup:
    """The stylesheet that sets the brand's custom properties, safe to stand inside a `<style>` element."""
    light = light_palette(brand)
    shape = f"--radius:{brand.radius}px;--font:{font_families(brand.font)};"
    own = "dark" if _is_dark(light.paper) else "light"
    scheme = f"color-scheme:{own}"
    style = f":root{{{scheme};{shape}{_properties(light)}}}"
    if brand.dark and own == "light":
        dark = f"color-scheme:dark;{_properties(dark_palette(brand))}"
        style += f"@media (prefers-color-scheme:dark){{:root{{{dark}}}}}"
    return Markup(style)  # noqa: S704 - made of hexadecimal colours, a number and quoted family names


def font_families(font: str) -> str:
    """A CSS font-family list with each name quoted again, so that no name can end the declaration."""
    names = (name.strip(" '\"") for name in font.split(","))
    own = [_family(name) for name in names if name]
    return ",".join([*own, SYSTEM_FONTS])


def _family(name: str) -> str:
    plain = "".join(character for character in name if character.isalnum() or character in " -_")
    return plain if plain in GENERIC_FAMILIES else f'"{plain}"'


def _palette(paper: str, ink: str, color: str, accent: str) -> Palette:
    dark = _is_dark(paper)
    extreme = WHITE if dark else BLACK
    surface = mix(paper, WHITE, 0.06) if dark else WHITE
    shade = mix(paper, extreme, 0.035)
    tint = mix(surface, color, 0.22 if dark else 0.06)
    grounds = (paper, surface, shade, tint)
    ink = readable(ink, grounds, COMFORT)
    fill = readable(color, (paper, surface), CONTROL) if dark else color
    on_brand = WHITE if contrast(WHITE, fill) >= TEXT else BLACK
    return Palette(
        paper=paper,
        surface=surface,
        shade=shade,
        tint=tint,
        ink=ink,
        quiet=readable(mix(ink, paper, 0.28), grounds, TEXT),
        line=mix(paper, extreme, 0.14 if dark else 0.11),
        edge=readable(mix(ink, paper, 0.75), grounds, CONTROL),
        brand=fill,
        brand_over=mix(fill, BLACK if on_brand == WHITE else WHITE, 0.16),
        on_brand=on_brand,
        brand_text=readable(color, grounds, TEXT),
        brand_edge=readable(color, grounds, CONTROL),
        mark=readable(accent, (fill,), CONTROL),
        accent=readable(accent, (paper,), 1.5),
        problem=readable("#b3261e", grounds, TEXT),
        safe=readable("#1b7f4b", grounds, CONTROL),
    )


def _lighter(color: str, share: float, extreme: str) -> str:
    """The colour with its lightness (HSL) moved by that share of the way to black or white."""
    hue, lightness, saturation = rgb_to_hls(*(channel / 255 for channel in _channels(color)))
    goal = 1.0 if extreme == WHITE else 0.0
    moved = hls_to_rgb(hue, lightness + (goal - lightness) * share, saturation)
    return "#" + "".join(f"{round(channel * 255):02x}" for channel in moved)


def _properties(palette: Palette) -> str:
    return ";".join(f"--{name.replace('_', '-')}:{color}" for name, color in asdict(palette).items())


def _with_room(paper: str) -> str:
    """The paper nearest to `paper`, away from its text, on which black or white has enough contrast for tints."""
    away, text = (BLACK, WHITE) if _is_dark(paper) else (WHITE, BLACK)
    steps = (mix(paper, away, step / 50) for step in range(51))
    return next(step for step in steps if contrast(step, text) >= ROOM)


def _text_extreme(grounds: Sequence[str]) -> str:
    return max((BLACK, WHITE), key=lambda extreme: _least_contrast(extreme, grounds))


def _least_contrast(color: str, grounds: Sequence[str]) -> float:
    return min(contrast(color, ground) for ground in grounds)


def _is_dark(paper: str) -> bool:
    return contrast(paper, WHITE) > contrast(paper, BLACK)


def _channels(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def _luminance(color: str) -> float:
    """WCAG 2.2, "relative luminance"."""
    red, green, blue = (_linear(channel / 255) for channel in _channels(color))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)
