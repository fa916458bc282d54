"""How the manager writes numbers: one way only in each language, and never something as nothing."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError

from entracte.web.manage_layout import rendering
from entracte.web.manage_layout.rendering import Frame, bar, day, duration, environment, iso, moment, number, share
from entracte.web.translations import LANGUAGES


def plain(written: str) -> str:
    """With ordinary spaces."""
    return written.replace("\u202f", " ").replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("value", "english", "french"),
    [
        (None, "–", "–"),
        (0.0, "0.0%", "0,0 %"),
        (0.00001, "< 0.1%", "< 0,1 %"),
        (0.0005, "< 0.1%", "< 0,1 %"),
        (0.001, "0.1%", "0,1 %"),
        (0.5367, "53.7%", "53,7 %"),
        (0.999, "99.9%", "99,9 %"),
        (0.9994, "> 99.9%", "> 99,9 %"),
        (0.99999, "> 99.9%", "> 99,9 %"),
        (1.0, "100.0%", "100,0 %"),
    ],
)
def test_shares(value: float | None, english: str, french: str) -> None:
    assert (plain(share("en", value)), plain(share("fr", value))) == (english, french)


@given(st.integers(min_value=1, max_value=10**9), st.integers(min_value=1, max_value=10**9))
def test_some_is_never_none_and_nearly_all_is_never_all(count: int, whole: int) -> None:
    count = min(count, whole)
    written = share("en", count / whole)
    assert not written.startswith("0.0")
    assert (written.startswith("100.0")) == (count == whole)


@given(st.floats(min_value=0, max_value=10))
def test_a_bar_is_never_wider_than_the_whole(value: float) -> None:
    assert 0 <= float(bar(value).removesuffix("%")) <= 100


def test_a_bar_of_no_share_is_empty() -> None:
    assert bar(None) == "0.00%"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("seconds", "written"),
    [(None, "–"), (0, "0 s"), (21, "21 s"), (119, "119 s"), (120, "2 min 0 s"), (605, "10 min 5 s")],
)
def test_durations(language: str, seconds: int | None, written: str) -> None:
    assert plain(duration(language, seconds)) == written


@pytest.mark.parametrize(
    ("language", "thousands", "this_year", "another_year", "at"),
    [
        ("en", "18,402", "30 Nov", "2 Jan 2027", "15 Jan, 08:00"),
        ("fr", "18 402", "30 nov.", "2 janv. 2027", "15 janv., 08:00"),
    ],
)
def test_numbers_and_days(language: str, thousands: str, this_year: str, another_year: str, at: str) -> None:
    assert plain(number(language, 18402)) == thousands
    assert day(language, date(2026, 11, 30), date(2026, 1, 1)) == this_year
    assert day(language, date(2027, 1, 2), date(2026, 12, 31)) == another_year
    assert moment(language, 1_800_000_000) == at


def test_a_moment_for_machines() -> None:
    assert iso(1_800_000_000) == "2027-01-15T08:00:00Z"


def test_a_name_that_is_not_given_is_a_mistake() -> None:
    with pytest.raises(UndefinedError):
        rendering.render("pages/manage_campaigns/campaign.html", Frame("n", "en"))


def test_everything_is_escaped() -> None:
    template = environment().from_string("{{ text }}{% trans %}a{{ text }}{% endtrans %}")
    assert template.render(text="<&", language="en") == "&lt;&amp;a&lt;&amp;"


def test_texts_and_values_are_in_the_language_of_the_page() -> None:
    template = environment().from_string('{{ gettext("Password") }} {{ 0.5|share }} {{ 1234|number }}')
    assert plain(template.render(language="fr")) == "Mot de passe 50,0 % 1 234"
    assert template.render(language="en") == "Password 50.0% 1,234"
