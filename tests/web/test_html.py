"""The environment, the layout that every page has, and links in labels."""

from dataclasses import replace
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError

from entracte.organizations.model import Brand
from entracte.web.assets import asset, asset_address
from entracte.web.html import (
    PageContext,
    Progress,
    environment,
    neutral_context,
    render,
    with_links,
)
from entracte.web.templates import FOLDER, stylesheet
from tests.web.reading import check_page, read
from tests.web.samples import ARABIC, ENGLISH, FRAMED, FRENCH, PROGRESS


def notice(context: PageContext, progress: Progress | None = None, title: str = "Title", text: str = "Text") -> str:
    template = "pages/take_part/notice.html"
    return render(template, context.language, page=context, progress=progress, title=title, text=text)


def test_there_is_one_environment_and_every_template_compiles() -> None:
    assert environment() is environment()
    folders = ("layout", "pages/take_part", "pages/sign_in", "pages/embed")
    names = [str(path.relative_to(FOLDER)) for folder in folders for path in (FOLDER / folder).glob("*.html")]
    assert len(names) > 10
    for name in names:
        environment().get_template(name)


def test_a_value_that_is_not_given_is_a_mistake() -> None:
    with pytest.raises(UndefinedError):
        render("pages/take_part/notice.html", "en", page=ENGLISH, progress=None, title="Title")


@pytest.mark.conformance("MUST 58")
def test_everything_is_escaped() -> None:
    nasty = '<script>alert("1")</script>'
    context = replace(ENGLISH, organization_title=nasty, campaign_title=nasty, here=f"/{nasty}", nonce=f'"{nasty}')
    page = notice(context, Progress(("current",), nasty), nasty, nasty)
    assert "<script>" not in page.replace("<script src=", "")
    assert check_page(page).one("h1").text == nasty


def test_every_page_lives_with_the_content_security_policy() -> None:
    document = check_page(notice(ENGLISH, PROGRESS))
    assert document.one("style")["nonce"] == ENGLISH.nonce
    assert [script["src"] for script in document.every("script")] == [asset_address("take_part.js")]
    assert all(script.has("defer") for script in document.every("script"))


def test_title_says_page_campaign_and_brand() -> None:
    assert read(notice(ENGLISH)).one("title").text == "Title · Summer quiz · Northwind Radio"


def test_languages_are_links_to_this_page() -> None:
    document = read(notice(ENGLISH))
    link = document.one("nav").one("a")
    assert (link["href"], link["lang"], link["hreflang"]) == (f"{ENGLISH.here}?lang=fr", "fr", "fr")
    assert link.text == "FR français"
    assert document.one("nav").one(aria_current="true").text == "EN English"


def test_a_campaign_in_one_language_has_no_choice_of_languages() -> None:
    assert not read(notice(replace(ENGLISH, languages=("en",)))).every("nav")


def test_direction_and_language() -> None:
    html = read(notice(ARABIC)).one("html")
    assert (html["lang"], html["dir"]) == ("ar", "rtl")
    assert read(notice(FRENCH)).one("nav")["aria-label"] == "Langue"


def test_progress_has_a_text() -> None:
    document = read(notice(ENGLISH, PROGRESS))
    bar = document.one(role="img")
    assert bar["aria-label"] == "Part 3 of 5"
    assert [segment["class"] for segment in bar.every("span")] == list(PROGRESS.segments)
    assert PROGRESS.label in document.one("main").text
    assert not read(notice(ENGLISH, Progress((), ""))).every(role="img")
    assert Progress(("done", "done"), "").position == 2


@pytest.mark.conformance("MUST 56")
def test_the_frame_tells_its_parent_and_nobody_else() -> None:
    script = read(notice(FRAMED)).every("script")[1]
    assert script["src"] == asset_address("frame.js")
    assert (script["data-parent"], script["data-campaign"], script["data-key"]) == (
        "https://www.northwind.example",
        "summer-quiz",
        "KEY-1",
    )
    assert "KEY-1" not in repr(FRAMED).replace(FRAMED.base, "")
    assert not read(notice(replace(FRAMED, frame_parent=""))).every("script")[1:]


def test_in_a_frame_the_brand_is_not_shown_twice() -> None:
    assert "Northwind Radio" in read(notice(ENGLISH)).one("body").text
    assert "Northwind Radio" not in read(notice(FRAMED)).one("body").text


def test_the_tile_is_the_picture_of_the_tab() -> None:
    icon = unquote(read(notice(replace(ENGLISH, brand=Brand(mark="<&")))).one("link", rel="icon")["href"])
    assert icon.startswith("data:image/svg+xml,<svg ")
    assert "&lt;&amp;</text>" in icon
    assert ENGLISH.tile == "♪"
    assert replace(ENGLISH, brand=Brand()).tile == "N"


def test_a_page_of_nobody_has_no_brand() -> None:
    document = check_page(notice(neutral_context("en", "N0nce")))
    assert not document.every("header")
    assert document.one("title").text == "Title"


def test_texts_of_the_campaign() -> None:
    assert FRENCH.say({"en": "Yes", "fr": "Oui"}) == "Oui"
    assert ARABIC.say({"ar": "نعم"}) == "نعم"
    assert replace(ENGLISH, language="nl").say({"en": "Yes", "fr": "Oui"}) == "Yes"
    assert (ENGLISH.say("Yes"), ENGLISH.say(None)) == ("Yes", "")


def test_stylesheets_are_small_and_whole() -> None:
    style = stylesheet("layout/page.css")
    assert "/*" not in style
    assert "\n" not in style
    assert style.count("{") == style.count("}") > 50
    assert "prefers-reduced-motion: no-preference" in style


def test_a_label_holds_links() -> None:
    document = read(with_links("I accept the [rules](https://a.example/r?x=1&y=2) & <more>.", "opens in a new window"))
    link = document.one("a")
    assert (link["href"], link["target"], link["rel"]) == (
        "https://a.example/r?x=1&y=2",
        "_blank",
        "noopener noreferrer",
    )
    assert document.text == "I accept the rules (opens in a new window) & <more>."


def test_a_label_holds_several_links() -> None:
    label = "[a](https://a.example) and [b](http://b.example)"
    assert [link["href"] for link in read(with_links(label, "new")).every("a")] == [
        "https://a.example",
        "http://b.example",
    ]


@pytest.mark.parametrize(
    "label",
    [
        "[x](javascript:alert(1))",
        "[x](data:text/html,1)",
        "[x](//evil.example)",
        "[x](/rules)",
        "[x] (https://a.example)",
    ],
)
def test_only_web_addresses_become_links(label: str) -> None:
    assert not read(with_links(label, "new")).every("a")
    assert read(with_links(label, "new")).text == label


@given(st.text(alphabet="[]()<>\"'&: abc/https.example", max_size=60))
def test_no_label_makes_another_element_or_attribute(label: str) -> None:
    for element in read(with_links(f"{label}[x](https://a.example){label}", "new")).every():
        assert element.tag in ("a", "span")
        assert set(element.attributes) <= {"href", "target", "rel", "class"}
        assert element.attributes.get("href", "https://").startswith(("https://", "http://"))


def test_assets_have_addresses_that_change_with_them() -> None:
    script = asset("take_part.js")
    assert asset_address("take_part.js") == f"/assets/take_part.js?v={script.version}"
    assert script.media_type.startswith("text/javascript")
    assert script.etag == f'"{script.version}"'
    assert asset_address("embed.js") == "/embed.js"
    with pytest.raises(KeyError):
        asset("../html.py")
