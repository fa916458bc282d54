"""Who is signed in, when somebody is asked again, and what they are asked."""

import pytest

from entracte.practice.people import personas
from entracte.practice.sign_in import Consents
from tests.practice.conftest import Running
from tests.practice.visitor import REDIRECT_URI, Trip

ATTACK = '"><script>alert(1)</script>'


def test_second_sign_in_is_silent(running: Running) -> None:
    trip = running.trip()
    trip.sign_in()
    assert trip.start().parameters["code"]
    assert trip.start(prompt="none").parameters["code"]


def test_session_cookie_has_its_own_name_and_is_not_for_scripts(running: Running) -> None:
    trip = running.trip()
    answer = trip.visitor.send(trip.url())
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("practice_session=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_cookie_from_before_the_sign_in_is_worth_nothing_after_it(running: Running) -> None:
    trip = running.trip()
    login = trip.start()
    (before,) = [cookie.value for cookie in trip.visitor.jar]
    trip.visitor.choose(login, "complete")
    (after,) = [cookie.value for cookie in trip.visitor.jar]
    assert before != after
    old = running.visitor().send(trip.url(prompt="none"), headers={"Cookie": f"practice_session={before}"})
    assert old.parameters["error"] == "login_required"


def test_prompt_login_asks_again_and_renews_the_time(running: Running) -> None:
    trip = running.trip()
    trip.sign_in()
    running.clock.time += 10
    login = trip.start(prompt="login")
    assert "/login" in login.url
    assert "Go on as" not in login.text
    back = trip.visitor.choose(login, "complete")
    assert trip.redeem(back.parameters["code"]).status == 200


def test_prompt_login_can_not_be_walked_around(running: Running) -> None:
    trip = running.trip()
    trip.sign_in()
    login = trip.start(prompt="login consent")
    interaction = login.form("/persona")["interaction"]
    assert "/login" in trip.visitor.go(f"/consent?interaction={interaction}").url
    refused = trip.visitor.go("/consent", {**login.form("/persona"), "decision": "allow"})
    assert refused.status == 410
    assert "/login" in trip.visitor.go("/continue", login.form("/persona")).url


def test_select_account_offers_the_signed_in_one(running: Running) -> None:
    trip = running.trip()
    trip.sign_in()
    page = trip.start(prompt="select_account")
    assert "Go on as Ana Lopez" in page.text
    assert trip.visitor.post(page, "/continue").parameters["code"]


def test_select_account_takes_another_one(running: Running) -> None:
    trip = running.trip()
    trip.sign_in()
    consent = trip.visitor.choose(trip.start(prompt="select_account"), "minor")
    assert "Dana Visser" in consent.text
    assert trip.visitor.allow(consent).parameters["code"]


@pytest.mark.parametrize(("seconds", "max_age", "asked"), [(5, "10", False), (11, "10", True), (0, "0", True)])
def test_max_age(running: Running, seconds: int, max_age: str, asked: bool) -> None:
    trip = running.trip()
    trip.sign_in()
    running.clock.time += seconds
    assert ("/login" in trip.start(max_age=max_age).url) is asked
    silent = trip.start(max_age=max_age, prompt="none").parameters
    assert (silent.get("error") == "login_required") is asked


def test_consent_is_asked_once(running: Running) -> None:
    running.trip().sign_in()
    elsewhere = running.trip()
    assert elsewhere.visitor.choose(elsewhere.start(), "complete").parameters["code"]
    assert "Allow" in elsewhere.start(prompt="consent").text
    running.provider.forget_consents()
    assert "Allow" in elsewhere.start().text


def test_more_scopes_are_asked_about_again(running: Running) -> None:
    trip = running.trip()
    trip.sign_in(scope="openid email")
    page = trip.start()
    assert "Allow" in page.text
    assert trip.start(prompt="none").parameters["error"] == "consent_required"


def test_refused_consent_goes_back(running: Running) -> None:
    trip = running.trip()
    consent = trip.visitor.choose(trip.start(), "complete")
    back = trip.visitor.post(consent, "/consent", decision="refuse")
    assert back.location.startswith(REDIRECT_URI)
    assert back.parameters["error"] == "access_denied"
    assert back.parameters["iss"] == running.url
    assert "Allow" in trip.start().text


def test_cancel_link_goes_back(running: Running) -> None:
    trip = running.trip()
    (cancel,) = [link for link in trip.start().links() if link.startswith("/cancel")]
    back = trip.visitor.go(cancel)
    assert back.parameters["error"] == "access_denied"
    assert back.parameters["state"] == trip.parameters["state"]


def test_consent_says_what_is_missing_and_unconfirmed(running: Running) -> None:
    trip = running.trip()
    page = trip.visitor.choose(trip.start(), "unverified-email").text
    assert "not confirmed" in page
    assert "not in your account" in page


def test_password_sign_in(running: Running) -> None:
    trip = running.trip()
    consent = trip.visitor.post(trip.start(), "/login", email=" Ana@Example.com", password="practice")
    assert "Share this" in consent.text


@pytest.mark.parametrize("email", ["ana@example.com", "nobody@example.com", ""])
def test_wrong_password_says_so_at_the_field(running: Running, email: str) -> None:
    trip = running.trip()
    page = trip.visitor.post(trip.start(), "/login", email=email, password="wrong")
    assert page.status == 422
    assert 'id="password-error"' in page.text
    assert 'aria-describedby="password-error ' in page.text
    assert "do not belong together" in page.text
    assert trip.visitor.choose(page, "complete").status == 200


def test_form_of_another_browser_is_refused(running: Running) -> None:
    mine, other = running.trip(), running.trip()
    form = other.start().form("/persona")
    own = mine.start().form("/persona")
    refused = mine.visitor.go("/persona", {**own, "form_token": form["form_token"], "persona": "complete"})
    assert refused.status == 410
    refused = mine.visitor.go("/persona", {**form, "form_token": own["form_token"], "persona": "complete"})
    assert refused.status == 410
    assert mine.start(prompt="none").parameters["error"] == "login_required"


def test_old_pages_say_that_they_are_old(running: Running) -> None:
    trip = running.trip()
    login = trip.start()
    running.clock.time += 1801
    assert trip.visitor.choose(login, "complete").status == 410
    for path in ("/login", "/consent", "/cancel"):
        assert trip.visitor.go(path).status == 410


def test_back_button_may_choose_again(running: Running) -> None:
    trip = running.trip()
    login = trip.start()
    trip.visitor.allow(trip.visitor.choose(login, "complete"))
    again = trip.visitor.choose(login, "minor")
    assert "Dana Visser" in again.text


def test_hint_fills_the_address_and_is_escaped(running: Running) -> None:
    trip = running.trip()
    assert 'value="ana@example.com"' in trip.start(login_hint="ana@example.com").text
    page = trip.start(login_hint=ATTACK, state=ATTACK, nonce=ATTACK, ui_locales=ATTACK, prompt=ATTACK)
    assert page.status == 200
    assert "<script" not in page.text
    assert "&lt;script&gt;" in page.text


def test_state_comes_back_as_it_was(running: Running) -> None:
    trip = running.trip()
    state = ATTACK + "\r\nSet-Cookie: a=b é"
    back = trip.sign_in(state=state)
    assert back.parameters["state"] == state
    assert "<script" not in back.text


def test_typed_address_is_escaped(running: Running) -> None:
    trip = running.trip()
    page = trip.visitor.post(trip.start(), "/login", email=ATTACK, password="x")
    assert "<script" not in page.text


def test_name_of_a_client_is_escaped(running: Running) -> None:
    page = running.trip().start(client_id="other", redirect_uri="http://127.0.0.1:9/other")
    assert "<b>" not in page.text
    assert "Another &lt;b&gt;brand&lt;/b&gt;" in page.text


@pytest.mark.parametrize(
    ("ui_locales", "browser", "expected"),
    [("fr-BE en", "en", "fr"), ("", "fr-FR,fr;q=0.9", "fr"), ("de fr", "en", "fr"), ("de", "nl", "en")],
)
def test_language(running: Running, ui_locales: str, browser: str, expected: str) -> None:
    page = Trip(running.visitor(browser)).start(ui_locales=ui_locales)
    assert f'<html lang="{expected}">' in page.text


def test_client_can_not_say_when_the_person_signed_in(running: Running) -> None:
    import base64
    import json

    tokens = running.trip().tokens(auth_time="1")
    body = tokens["id_token"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    assert claims["auth_time"] == running.clock.time


def test_skipped_consent_covers_everything() -> None:
    person = personas()[0].person
    assert Consents(skip=True).covers(person, "anybody", "openid email")
    assert not Consents(skip=False).covers(person, "anybody", "openid email")
