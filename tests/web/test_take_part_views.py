"""What participants see of the campaign: welcome, questions, form, thanks, and "not open"."""

import gzip
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from string import ascii_uppercase

import pytest

from entracte.campaigns.model import Choice, FieldKind, FieldMode, Form, FormField
from entracte.values import Json
from entracte.web.html import PageContext
from entracte.web.pages.take_part.views import (
    INPUT_TYPES,
    AccountView,
    FieldView,
    render_closed,
    render_form,
    render_not_found,
    render_question,
    render_thanks,
    render_welcome,
)
from tests.web.reading import Element, check_page
from tests.web.samples import (
    ARABIC,
    EMAIL,
    ENGLISH,
    FIRST_NAME,
    FORM,
    FRAMED,
    FRENCH,
    MOBILE,
    NEWS,
    PLACES,
    PROGRESS,
    RULES,
    SONGS,
    THANKS,
    WELCOME,
    WISH,
    form_field,
)

SAVED = "Your answers are saved as you go."
ACCOUNT = AccountView("ana@example.com", "AL", "Northwind")
VIEWS = (
    FieldView(FIRST_NAME, "Ana", "account"),
    FieldView(EMAIL, "ana@example.com", "confirmed", locked=True),
    FieldView(MOBILE, ""),
    FieldView(NEWS, False),
    FieldView(RULES, False),
)
SHORT = "That number is too short for Belgium. Example: 0470 12 34 56"


def form_page(
    *views: FieldView, context: PageContext = ENGLISH, account: AccountView | None = ACCOUNT, form: Form = FORM
) -> Element:
    title = "Nice one, Ana. Is this right?"
    page = render_form(context, PROGRESS, form, views or VIEWS, title=title, account=account, back="/c/summer-quiz/q4")
    return check_page(page)


def one_field(asked: FormField, value: Json = "", **state: object) -> Element:
    view = replace(FieldView(asked, value), **state)  # type: ignore[arg-type]
    return form_page(view).one(id=f"field-{asked.key}")


def description(document: Element, control: Element) -> list[str]:
    return [document.one(id=identifier).text for identifier in control["aria-describedby"].split()]


def test_welcome() -> None:
    document = check_page(render_welcome(ENGLISH, PROGRESS, WELCOME))
    assert document.one("h1").text == WELCOME.title
    form = document.one("form")
    assert (form["method"], form["action"]) == ("post", "/c/summer-quiz/hello")
    assert form.one("button").text == "Start"
    assert SAVED in document.one("footer").text
    named = WELCOME.model_copy(update={"button": "Let’s go"})
    assert check_page(render_welcome(ENGLISH, PROGRESS, named)).one("button").text == "Let’s go"


def test_a_single_choice_is_a_group_of_radio_buttons() -> None:
    document = check_page(render_question(ENGLISH, PROGRESS, SONGS, "wonder", "", "/c/summer-quiz/q2"))
    assert document.one("fieldset").one("legend").one("h1").text == "Which of these songs was never a number one?"
    radios = document.every("input", type="radio", name="answer")
    assert [radio["value"] for radio in radios] == ["blue", "wonder"]
    assert [radio["value"] for radio in radios if radio.has("checked")] == ["wonder"]
    assert [radio["aria-keyshortcuts"] for radio in radios] == ["A", "B"]
    assert [label.text for label in document.every("label")] == ["A Blue Monday", "B Wonderwall"]
    assert document.one("form")["action"] == "/c/summer-quiz/number-one"
    assert document.one("a", class_="link")["href"] == "/c/summer-quiz/q2"
    assert not document.every(role="alert")
    assert SAVED in document.one("footer").text


def test_the_right_answer_is_never_sent() -> None:
    page = render_question(ENGLISH, PROGRESS, SONGS, None, "", "")
    assert page == render_question(ENGLISH, PROGRESS, SONGS.model_copy(update={"correct": "blue"}), None, "", "")


def test_there_is_no_way_back_from_the_first_page() -> None:
    assert not check_page(render_question(ENGLISH, PROGRESS, SONGS, None, "", "")).every("a", class_="link")


def test_twenty_six_choices_have_letters_from_a_to_z() -> None:
    choices = tuple(Choice(key=f"k{number}", label=f"Choice {number}") for number in range(26))
    document = check_page(
        render_question(ENGLISH, PROGRESS, SONGS.model_copy(update={"choices": choices}), None, "", "")
    )
    assert "".join(letter.text for letter in document.every(class_="letter")) == ascii_uppercase


@pytest.mark.parametrize("answer", [None, ["car", "walk"], "car"])
def test_a_multiple_choice_is_a_group_of_checkboxes(answer: Json) -> None:
    document = check_page(render_question(ENGLISH, PROGRESS, PLACES, answer, "", ""))
    boxes = document.every("input", type="checkbox", name="answer")
    kept = answer if isinstance(answer, list) else [answer]
    assert [box["value"] for box in boxes if box.has("checked")] == [key for key in kept if key]
    assert not [box for box in boxes if box.has("required")]


@pytest.mark.parametrize(
    ("settings", "english", "french"),
    [
        ({}, "Choose one or more.", "Choisissez une ou plusieurs réponses."),
        ({"maximum": 4}, "Choose one or more.", "Choisissez une ou plusieurs réponses."),
        ({"minimum": 2}, "Choose at least two.", "Choisissez au moins deux réponses."),
        ({"maximum": 3}, "Choose up to three.", "Choisissez jusqu’à trois réponses."),
        ({"minimum": 2, "maximum": 3}, "Choose two to three.", "Choisissez de deux à trois réponses."),
        ({"minimum": 2, "maximum": 2}, "Choose two.", "Choisissez deux réponses."),
        ({"maximum": 1}, "Choose just one.", "Choisissez une seule réponse."),
        (
            {"required": False, "maximum": 2},
            "Choose up to two. You can leave this one out.",
            "Choisissez jusqu’à deux réponses. Vous pouvez passer cette question.",
        ),
    ],
)
def test_how_many_to_choose_is_said(settings: Mapping[str, object], english: str, french: str) -> None:
    step = PLACES.model_copy(update=settings)
    for context, hint in ((ENGLISH, english), (FRENCH, french)):
        document = check_page(render_question(context, PROGRESS, step, None, "", ""))
        assert document.one(id="hint").text == hint
        assert "hint" in document.one("fieldset")["aria-describedby"]


def test_an_open_question_is_its_own_label() -> None:
    document = check_page(render_question(ENGLISH, PROGRESS, WISH, "Blue <Monday>\n", "", ""))
    assert document.one("h1").one("label", for_="text").text == WISH.title
    area = document.one("textarea", name="answer")
    assert area.parts == ["\nBlue <Monday>\n"]  # a browser leaves out the first line break
    assert area["rows"] == "3"
    assert description(document, area) == ["Up to 300 characters."]


def test_what_is_wrong_stands_at_the_question_and_in_a_summary() -> None:
    document = check_page(render_question(ENGLISH, PROGRESS, SONGS, None, "Give an answer to go on.", ""))
    summary = document.one(role="alert")
    assert (summary["tabindex"], summary.has("autofocus")) == ("-1", True)
    assert summary.one("h2").text == "There is one thing to change."
    first = document.every("input")[0]
    assert summary.one("a")["href"] == f"#{first['id']}"
    assert (first["aria-invalid"], description(document, first)) == ("true", ["Give an answer to go on."])
    assert document.one("title").text.startswith("Error: Which of these songs")


def test_a_text_that_is_wrong_is_shown_again() -> None:
    document = check_page(render_question(ENGLISH, PROGRESS, WISH, "long", "This is too long.", ""))
    area = document.one("textarea")
    assert (area.text, area["aria-invalid"]) == ("long", "true")
    assert description(document, area) == ["This is too long.", "Up to 300 characters."]
    assert document.one(role="alert").one("a")["href"] == "#text"


def test_an_answer_of_another_kind_chooses_nothing() -> None:
    for answer in (7, {"a": "b"}, True, "not-there"):
        page = render_question(ENGLISH, PROGRESS, SONGS, answer, "", "")  # type: ignore[arg-type]
        assert not [radio for radio in check_page(page).every("input") if radio.has("checked")]


def test_the_form_says_whose_account_filled_it_and_offers_another() -> None:
    document = form_page()
    account = document.one(class_="account")
    assert "Signed in with your Northwind account as ana@example.com" in account.text
    button = account.one("button")
    assert button.text == "Not you? Use another account"
    assert button["formaction"] == "/c/summer-quiz/sign-in?another=1"
    assert button.has("formnovalidate")
    assert not button.has("formtarget")
    framed = form_page(context=FRAMED).one(class_="account").one("button")
    assert (framed["formtarget"], framed["formaction"]) == ("_top", "/c/summer-quiz/in/KEY-1/sign-in?another=1")


def test_the_enter_key_sends_the_entry_and_not_the_participant_away() -> None:
    first = form_page().one("form").every("button")[0]
    assert first["type"] == "submit"
    assert not first.has("formaction")


def test_a_guest_sees_no_account() -> None:
    assert not form_page(account=None).every(class_="account")


def test_an_account_is_escaped_where_it_stands_inside_a_sentence() -> None:
    document = form_page(account=AccountView("<b>ana</b>", "<i>", "<u>North</u>"))
    assert "your <u>North</u> account as <b>ana</b>" in document.one(class_="account").text


def test_each_value_says_where_it_came_from() -> None:
    document = form_page()
    notes = {field: document.one(id=f"field-{field}-note").text for field in ("first_name", "email", "mobile")}
    assert notes == {
        "first_name": "from your account",
        "email": "confirmed by Northwind",
        "mobile": "to tell you if you win",
    }
    helped = FieldView(MOBILE, "0470", "account")
    both = form_page(helped)
    assert description(both, both.one(id="field-mobile")) == ["from your account", "to tell you if you win"]


def test_a_value_confirmed_without_an_account_on_the_page() -> None:
    view = FieldView(EMAIL, "ana@example.com", "confirmed")
    named = render_form(ENGLISH, PROGRESS, FORM, [view], title="T", account=None, back="", connection_title="Northwind")
    assert check_page(named).one(id="field-email-note").text == "confirmed by Northwind"
    assert form_page(view, account=None).one(id="field-email-note").text == "from your account"


def test_a_locked_field_can_be_read_and_says_why() -> None:
    document = form_page()
    control = document.one(id="field-email")
    assert (control["value"], control["type"], control.has("readonly")) == ("ana@example.com", "email", True)
    assert not control.has("disabled")
    assert "It comes from your account and stays as it is." in description(document, control)
    assert document.one(class_="with-icon").one("svg")["aria-hidden"] == "true"


def test_a_locked_choice_shows_its_words_and_sends_its_key() -> None:
    choices = (Choice(key="n", label={"en": "North", "fr": "Nord"}), Choice(key="s", label="South"))
    asked = form_field("region", FieldKind.CHOICE, choices=choices)
    document = form_page(FieldView(asked, "n", "account", locked=True), context=FRENCH)
    shown = document.one(id="field-region")
    assert (shown["value"], shown.has("readonly"), shown.has("name")) == ("Nord", True, False)
    assert document.one("input", type="hidden", name="region")["value"] == "n"


@pytest.mark.parametrize("ticked", [True, False])
def test_a_locked_tick_can_not_be_changed_and_sends_what_it_shows(ticked: bool) -> None:
    document = form_page(FieldView(form_field("member", FieldKind.CHECKBOX), ticked, "account", locked=True))
    box = document.one(id="field-member")
    assert (box.has("disabled"), box.has("checked"), box.has("name")) == (True, ticked, False)
    assert [hidden["value"] for hidden in document.every("input", type="hidden", name="member")] == ["yes"] * ticked


def test_hidden_fields_are_not_there() -> None:
    hidden = form_field("segment", mode=FieldMode.HIDDEN)
    page = render_form(
        ENGLISH, PROGRESS, FORM, [*VIEWS, FieldView(hidden, "gold-42")], title="T", account=None, back=""
    )
    assert "gold-42" not in page
    assert "segment" not in page


def test_opt_ins_start_unticked_and_keep_what_was_said() -> None:
    document = form_page(*VIEWS[:3], FieldView(NEWS, True), VIEWS[4])
    news, rules = document.one(id="field-news"), document.one(id="field-rules")
    assert (news["value"], news["name"], news.has("checked"), news.has("required")) == ("yes", "news", True, False)
    assert (rules.has("checked"), rules.has("required")) == (False, True)
    link = document.one("label", for_="field-rules").one("a")
    assert (link["href"], link["rel"]) == ("https://northwind.example/r", "noopener noreferrer")
    assert link.text == "rules (opens in a new window)"


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        (FIRST_NAME, {"type": "text", "autocomplete": "given-name", "autocapitalize": "words"}),
        (form_field("surname", prefill="last_name"), {"autocomplete": "family-name"}),
        (EMAIL, {"type": "email", "autocomplete": "email", "inputmode": "email", "autocapitalize": "none"}),
        (MOBILE, {"type": "tel", "autocomplete": "tel", "inputmode": "tel", "dir": "ltr"}),
        (form_field("birthdate", FieldKind.DATE), {"type": "date", "autocomplete": "bday"}),
        (form_field("day", FieldKind.DATE, minimum_age=16), {"type": "date", "autocomplete": "bday"}),
        (form_field("q1", prefill="postal_code"), {"autocomplete": "postal-code"}),
    ],
)
def test_browsers_know_what_a_field_is(asked: FormField, wanted: Mapping[str, str]) -> None:
    control = one_field(asked)
    assert {name: control[name] for name in wanted} == wanted


def test_a_field_of_the_campaigns_own_promises_nothing_to_the_browser() -> None:
    assert not one_field(form_field("favourite_song")).has("autocomplete")
    assert not one_field(form_field("arrival", FieldKind.DATE)).has("autocomplete")


def test_a_choice_is_a_select() -> None:
    choices = tuple(Choice(key=f"k{number}", label=f"Choice {number}") for number in range(30))
    select = one_field(form_field("size", FieldKind.CHOICE, choices=choices), "k7")
    assert select.tag == "select"
    assert [option["value"] for option in select.every("option")] == ["", *(f"k{number}" for number in range(30))]
    assert [option.text for option in select.every("option") if option.has("selected")] == ["Choice 7"]


def test_every_kind_of_field_can_be_shown() -> None:
    assert set(INPUT_TYPES) == set(FieldKind)
    for kind in FieldKind:
        asked = form_field("x", kind, choices=(Choice(key="a", label="A"),) if kind is FieldKind.CHOICE else ())
        for value in ("", None, "a", True):
            for locked in (True, False):
                assert form_page(FieldView(asked, value, locked=locked)).one(id="field-x")


def test_what_is_not_required_says_so() -> None:
    labels = {label["for"]: label.text for label in form_page().every("label")}
    assert labels["field-first_name"] == "First Name"
    assert labels["field-mobile"] == "Mobile (optional)"
    assert labels["field-news"] == "Send me the newsletter."
    assert labels["field-email"] == "Email"


def test_problems_stand_at_their_fields_and_in_a_summary_with_links() -> None:
    wrong = replace(VIEWS[2], value="0470 12", problem=SHORT)
    untick = replace(VIEWS[4], problem="Tick this box to take part.")
    document = form_page(*VIEWS[:2], wrong, VIEWS[3], untick)
    summary = document.one(role="alert")
    assert summary.one("h2").text == "There are two things to change."
    assert {link["href"]: link.text for link in summary.every("a")} == {
        "#field-mobile": f"Mobile: {SHORT}",
        "#field-rules": "Tick this box to take part.",
    }
    control = document.one(id="field-mobile")
    assert (control["value"], control["aria-invalid"]) == ("0470 12", "true")
    assert description(document, control)[0] == SHORT
    assert document.one("title").text.startswith("Error: Nice one, Ana.")
    assert document.one("form").has("novalidate")


def test_a_title_for_the_problems_can_be_given() -> None:
    wrong = replace(VIEWS[2], problem=SHORT)
    page = render_form(
        ENGLISH, PROGRESS, FORM, [wrong], title="T", account=None, back="", problems_title="Look at the number."
    )
    assert check_page(page).one(role="alert").one("h2").text == "Look at the number."


def test_a_form_without_problems_has_no_summary() -> None:
    document = form_page()
    assert not document.every(role="alert")
    assert not document.every(aria_invalid="true")
    assert SAVED in document.one("footer").text


def test_the_button_of_the_form() -> None:
    assert form_page().one("button", class_="button primary").text == "Send my entry"
    named = FORM.model_copy(update={"button": {"en": "Join in", "fr": "J’en suis"}})
    assert form_page(form=named, context=FRENCH).one("button", class_="button primary").text == "J’en suis"


def test_typed_values_are_escaped() -> None:
    nasty = '"><script>alert(1)</script>'
    assert one_field(FIRST_NAME, nasty)["value"] == nasty


def test_right_to_left_keeps_addresses_left_to_right() -> None:
    document = form_page(context=ARABIC)
    assert document.one("html")["dir"] == "rtl"
    assert document.one(id="field-email")["dir"] == "ltr"
    assert document.one(id="field-first_name")["dir"] == "auto"


def test_thanks() -> None:
    document = check_page(render_thanks(ENGLISH, PROGRESS, THANKS, True))
    assert document.one("h1").text == THANKS.title
    assert "Your entry is saved." in document.one("footer").text
    assert not document.every("button")


def test_thanks_without_an_entry_says_so_and_leads_on() -> None:
    document = check_page(render_thanks(ENGLISH, PROGRESS, THANKS, False))
    assert "Your entry is not sent yet." in document.one("main").text
    assert document.one("main").one("a")["href"] == "/c/summer-quiz"
    assert "Your entry is saved." not in document.text


@pytest.mark.parametrize(
    ("today", "title", "text"),
    [
        (date(2026, 5, 31), "Not open yet.", "Summer quiz opens on 1 June 2026."),
        (date(2026, 6, 1), "This campaign is over.", "Summer quiz closed on 30 November 2026."),
        (date(2026, 12, 1), "This campaign is over.", "Summer quiz closed on 30 November 2026."),
    ],
)
def test_a_campaign_that_is_not_open(today: date, title: str, text: str) -> None:
    document = check_page(render_closed(ENGLISH, date(2026, 6, 1), date(2026, 11, 30), today))
    assert (document.one("h1").text, document.one("p", class_="lead").text) == (title, text)
    assert SAVED not in document.text


def test_a_campaign_that_was_closed_without_a_day() -> None:
    assert "does not take entries" in check_page(render_closed(ENGLISH, None, None)).one("main").text
    assert "1 janvier 2100" in check_page(render_closed(FRENCH, date(2100, 1, 1), None)).one("main").text


def test_nothing_there() -> None:
    document = check_page(render_not_found(nonce="N0nce"))
    assert document.one("h1").text == "There is nothing at this address."
    assert "Northwind" not in document.text
    assert check_page(render_not_found(nonce="N0nce", language="fr")).one("html")["lang"] == "fr"


def test_pages_weigh_little() -> None:
    """Less than 30 KB, compressed, with the style; the largest page is a form of a hundred fields."""
    views = [FieldView(form_field(f"field_{number}"), "Something typed", "account") for number in range(100)]
    pages = [
        render_question(FRENCH, PROGRESS, SONGS, None, "Donnez une réponse.", "/c/summer-quiz/q2"),
        render_form(FRENCH, PROGRESS, FORM, VIEWS, title="T", account=ACCOUNT, back="/"),
        render_form(FRENCH, PROGRESS, FORM, views, title="T", account=ACCOUNT, back="/"),
    ]
    sizes = [len(gzip.compress(page.encode())) for page in pages]
    assert max(sizes) < 30_000
    assert max(sizes[:2]) < 10_000
