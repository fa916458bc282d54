"""What participants see around the sign-in: before, while, and when something went differently."""

import gzip
from dataclasses import replace

import pytest

from entracte.protocol.errors import Reason
from entracte.web.assets import asset_address
from entracte.web.html import PageContext
from entracte.web.pages.sign_in.views import (
    MISHAPS,
    Mishap,
    MishapKind,
    render_mishap,
    render_moment,
    render_popup_done,
    render_sign_in,
    render_trouble,
)
from tests.web.reading import Element, check_page
from tests.web.samples import ENGLISH, FRAMED, FRENCH, PROGRESS

CANCELLED = Mishap(Reason.ACCESS_DENIED, "K7Q-2M4", answers_count=4, retry=True, guests=True)


def sign_in_page(context: PageContext = ENGLISH, /, **settings: object) -> Element:
    given: dict[str, object] = {
        "connection_title": "Northwind",
        "title": "",
        "message": "",
        "button": "",
        "tells": "",
        "answers_count": 4,
        "guests": True,
        "popup": False,
        **settings,
    }
    return check_page(render_sign_in(context, PROGRESS, **given))  # type: ignore[arg-type]


def mishap_page(mishap: Mishap = CANCELLED, context: PageContext = ENGLISH) -> Element:
    return check_page(render_mishap(context, PROGRESS, mishap=mishap))


def test_the_sign_in_says_where_i_go_and_that_i_come_back() -> None:
    document = sign_in_page()
    assert document.one("h1").text == "Sign in, and your entry is in."
    assert document.one("p", class_="lead").text == (
        "You go to Northwind for a moment to sign in or make an account, and come straight back here. "
        "Your four answers wait for you."
    )
    go, guest = document.one("main").every("form")
    assert (go["method"], go["action"], go.one("button").text) == (
        "post",
        "/c/summer-quiz/sign-in",
        "Continue with Northwind",
    )
    assert (guest["method"], guest["action"], guest.one("button").text) == (
        "post",
        "/c/summer-quiz/guest",
        "Take part without an account",
    )
    assert not go.has("target")
    assert "Your answers are saved as you go." in document.one("footer").text


def test_the_sign_in_in_french() -> None:
    document = sign_in_page(FRENCH, answers_count=1)
    assert document.one("p", class_="lead").text.endswith("Votre réponse vous attend.")
    assert document.every("button")[0].text == "Continuer avec Northwind"


def test_without_answers_and_guests() -> None:
    document = sign_in_page(answers_count=0, guests=False)
    assert "wait" not in document.one("p", class_="lead").text
    assert len(document.every("form")) == 1


def test_the_campaigns_own_words() -> None:
    words = {"title": "One <more> thing", "message": "Sign in.", "button": "Go", "tells": "Your name, nothing else."}
    document = sign_in_page(**words)
    assert document.one("h1").text == words["title"]
    assert document.one("p", class_="lead").text == words["message"]
    button = document.every("button")[0]
    assert button.text == words["button"]
    assert document.one(id=button["aria-describedby"]).text == words["tells"]


def test_a_frame_is_left_for_the_sign_in_and_kept_by_a_guest() -> None:
    go, guest = sign_in_page(FRAMED).one("main").every("form")
    assert (go["target"], go["action"]) == ("_top", "/c/summer-quiz/in/KEY-1/sign-in")
    assert not guest.has("target")


def test_a_pop_up_has_its_script_and_comes_back_to_the_return_address() -> None:
    document = sign_in_page(popup=True)
    assert document.every("form")[0]["data-popup"] == "/c/summer-quiz/return/"
    assert asset_address("sign_in.js") in [script["src"] for script in document.every("script")]
    assert asset_address("sign_in.js") not in [script["src"] for script in sign_in_page().every("script")]


def test_every_reason_has_its_words() -> None:
    assert set(MISHAPS) == set(Reason)
    assert set(MISHAPS.values()) == set(MishapKind)


@pytest.mark.parametrize("reason", list(Reason))
@pytest.mark.parametrize("context", [ENGLISH, FRENCH, FRAMED])
def test_every_mishap_is_calm(reason: Reason, context: PageContext) -> None:
    document = mishap_page(replace(CANCELLED, reason=reason), context)
    said = document.one("main").text
    assert "!" not in said
    assert reason.code not in said
    assert reason.meaning not in said
    assert "K7Q-2M4" in document.one("code").text
    assert not {"token", "state", "issuer", "OAuth", "error"} & set(said.replace(".", "").split())
    if context.language == "fr":
        assert MISHAPS[reason].title not in said


def test_a_cancelled_sign_in() -> None:
    document = mishap_page()
    assert document.one("h1").text == "You came back without signing in."
    assert document.one("p", class_="lead").text == (
        "That is fine. Your four answers are safe, and you can go on whenever you like."
    )
    ways = {button.text: form["action"] for form in document.every("form") for button in form.every("button")}
    assert ways == {
        "Try again": "/c/summer-quiz/sign-in",
        "Use another account": "/c/summer-quiz/sign-in?another=1",
        "Take part without an account": "/c/summer-quiz/guest",
    }
    assert len(document.every("button", class_="button primary")) == 1
    assert "Your answers are saved as you go." in document.one("footer").text


@pytest.mark.parametrize(("guests", "ways"), [(True, ["another=1", "guest"]), (False, ["another=1"])])
def test_an_account_that_is_not_taken_is_changed_for_another(guests: bool, ways: list[str]) -> None:
    """The same one again would lead here again."""
    document = mishap_page(replace(CANCELLED, reason=Reason.ACCOUNT_NOT_ACCEPTED, guests=guests))
    assert document.one("h1").text == "This account can not be used here."
    assert document.one("p", class_="lead").text == (
        "This campaign does not take it. You did nothing wrong, and another account may work. "
        "Your four answers are safe, and you can go on whenever you like."
    )
    assert [form["action"].rpartition("/")[2].removeprefix("sign-in?") for form in document.every("form")] == ways
    assert document.one("button", class_="button primary").text == "Use another account"


def test_in_a_frame_trying_again_leaves_it() -> None:
    targets = {
        form["action"].rpartition("/")[2]: form.attributes.get("target")
        for form in mishap_page(context=FRAMED).every("form")
    }
    assert targets == {"sign-in": "_top", "sign-in?another=1": "_top", "guest": None}


def test_another_browser_leads_to_the_start() -> None:
    mishap = Mishap(Reason.BROWSER_MISMATCH, "K7Q-2M4", start="/c/summer-quiz")
    document = check_page(render_mishap(ENGLISH, None, mishap=mishap))
    link = document.one("a", class_="button primary")
    assert (link["href"], link.text) == ("/c/summer-quiz", "Go on to the campaign")
    assert not document.every("form")
    assert "saved as you go" not in document.text  # nothing of this browser is kept


def test_only_a_guest_way_is_the_primary_one() -> None:
    only = Mishap(Reason.PROVIDER_TIMEOUT, "K7Q-2M4", guests=True)
    document = mishap_page(only)
    assert document.one("button", class_="button primary").text == "Take part without an account"
    assert "Nothing is lost" in document.one("main").text


def test_a_return_that_belongs_to_nobody() -> None:
    mishap = Mishap(Reason.STATE_INVALID, "K7Q-2M4")
    page = render_mishap(None, None, mishap=mishap, nonce="N1", ways=["summer-quiz", "spring"], language="fr")
    document = check_page(page)
    assert document.one("style")["nonce"] == "N1"
    assert {link.text: link["href"] for link in document.every("a")} == {
        "Continuer avec summer-quiz": "/c/summer-quiz",
        "Continuer avec spring": "/c/spring",
    }
    assert not document.every("form")
    assert not document.every("header")
    assert not check_page(render_mishap(None, None, mishap=mishap, nonce="N1")).every("a")


def test_a_mishap_without_a_code_asks_for_none() -> None:
    assert not mishap_page(replace(CANCELLED, short_code="")).every("code")


def test_trouble_of_ours() -> None:
    document = check_page(render_trouble(nonce="N1", language="en", code="body_too_large"))
    assert document.one("h1").text == "That did not work just now."
    assert document.one("code").text == "body_too_large"


def test_one_moment_loads_itself_again() -> None:
    document = check_page(render_moment(ENGLISH, PROGRESS))
    assert document.one("meta", http_equiv="refresh")["content"] == "0"
    assert document.one(role="status").text == "We are finishing your sign-in."


def test_the_end_of_a_pop_up() -> None:
    page = render_popup_done(
        ENGLISH, handle='H"1', opener_origin="https://play.example", continue_href="/c/summer-quiz"
    )
    document = check_page(page)
    script = document.one("script", src=asset_address("popup.js"))
    assert (script["data-handle"], script["data-opener"]) == ('H"1', "https://play.example")
    assert document.one("main").one("a")["href"] == "/c/summer-quiz"


def test_pages_weigh_little() -> None:
    page = render_mishap(FRENCH, PROGRESS, mishap=CANCELLED)
    assert len(gzip.compress(page.encode())) < 10_000
