"""Every brand that an organization can set is readable, in the light and in the dark."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entracte.organizations.model import Brand
from entracte.web.brand import (
    CONTROL,
    TEXT,
    Palette,
    brand_style,
    contrast,
    dark_palette,
    font_families,
    light_palette,
    mix,
    readable,
)

COLORS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")
BRANDS = st.builds(Brand, color=COLORS, accent=COLORS, paper=COLORS, ink=COLORS)


def check_palette(palette: Palette) -> None:
    for name in ("ink", "quiet", "brand_text", "problem"):
        for ground in palette.grounds:
            assert contrast(getattr(palette, name), ground) >= TEXT, (name, ground)
    for name in ("edge", "brand_edge", "safe"):
        for ground in palette.grounds:
            assert contrast(getattr(palette, name), ground) >= CONTROL, (name, ground)
    assert contrast(palette.on_brand, palette.brand) >= TEXT
    assert contrast(palette.on_brand, palette.brand_over) >= TEXT
    assert contrast(palette.mark, palette.brand) >= CONTROL


@given(BRANDS)
def test_whatever_colours_a_brand_sets_everything_can_be_read(brand: Brand) -> None:
    check_palette(light_palette(brand))
    check_palette(dark_palette(brand))


@given(BRANDS)
def test_in_the_dark_the_paper_is_dark_and_the_buttons_show(brand: Brand) -> None:
    dark = dark_palette(brand)
    assert contrast(dark.paper, "#ffffff") > contrast(dark.paper, "#000000")
    assert contrast(dark.brand, dark.paper) >= CONTROL


def test_good_colours_are_left_alone() -> None:
    brand = Brand()
    light = light_palette(brand)
    assert (light.brand, light.brand_text, light.brand_edge) == (brand.color, brand.color, brand.color)
    assert (light.paper, light.ink, light.accent, light.mark) == (brand.paper, brand.ink, brand.accent, brand.accent)


def test_a_pale_brand_keeps_its_buttons_and_gets_a_darker_text() -> None:
    light = light_palette(Brand(color="#ffe24a"))
    assert light.brand == "#ffe24a"
    assert light.on_brand == "#000000"
    assert light.brand_text != "#ffe24a"


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        ("#000000", "#ffffff", 21.0),
        ("#ffffff", "#ffffff", 1.0),
        ("#777777", "#ffffff", 4.48),
        ("#ff0000", "#ffffff", 4.0),
    ],
)
def test_contrast_is_that_of_wcag(one: str, other: str, ratio: float) -> None:
    assert contrast(one, other) == pytest.approx(ratio, abs=0.01)
    assert contrast(other, one) == contrast(one, other)


def test_a_colour_that_is_readable_is_not_touched_and_one_that_is_not_keeps_its_hue() -> None:
    assert readable("#0b5d57", ["#ffffff"], TEXT) == "#0b5d57"
    red = readable("#ff8080", ["#ffffff"], TEXT)
    assert int(red[1:3], 16) > int(red[3:5], 16) == int(red[5:7], 16)


def test_mix() -> None:
    assert mix("#000000", "#ffffff", 0.5) == "#808080"
    assert mix("#123456", "#ffffff", 0) == "#123456"


def test_the_style_sets_every_colour_in_both_schemes() -> None:
    style = brand_style(Brand(radius=20))
    assert "--radius:20px" in style
    assert style.count("--paper:") == style.count("--on-brand:") == 2
    assert "@media (prefers-color-scheme:dark)" in style


@pytest.mark.parametrize("brand", [Brand(dark=False), Brand(paper="#101418", ink="#f0f0f0")])
def test_no_dark_scheme_where_the_brand_has_none_or_is_dark_already(brand: Brand) -> None:
    assert "prefers-color-scheme" not in brand_style(brand)


@given(st.from_regex(r"\A[\w ,'\"-]{0,80}\Z"))
def test_no_font_ends_the_declaration(font: str) -> None:
    families = font_families(font)
    assert families.endswith("sans-serif")
    assert not set(families) & set("<>{};:()\\\n'")
    assert re.fullmatch(r'("[^"]*"|[\w-]+)(,("[^"]*"|[\w-]+))*', families)


def test_fonts_stand_before_ours() -> None:
    assert font_families("Söhne, 'Open Sans', serif").startswith('"Söhne","Open Sans",serif,')


def test_the_style_can_not_leave_its_element(brand_with_odd_font: Brand) -> None:
    assert "<" not in brand_style(brand_with_odd_font)


@pytest.fixture
def brand_with_odd_font() -> Brand:
    unchecked: Any = Brand.model_construct(**{**Brand().model_dump(), "font": "x</style><script>", "mark": "<"})
    assert isinstance(unchecked, Brand)
    return unchecked
