import pytest
from flask import Request
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder

from entracte.practice import browsers as browsers_module
from entracte.practice.browsers import COOKIE, MAX_INTERACTIONS, Browsers
from entracte.practice.people import personas

ANA = personas()[0].person


def request_with(cookie: str) -> Request:
    return Request(EnvironBuilder(headers=Headers({"Cookie": f"{COOKIE}={cookie}"})).get_environ())


def test_browser_is_known_by_its_cookie_only() -> None:
    browsers = Browsers()
    browser = browsers.of(request_with(""))
    assert browsers.of(request_with(browser.handle)) is browser
    assert browsers.of(request_with("made-up")) is not browser
    assert browsers.of(request_with("made-up")).handle != "made-up"


def test_sign_in_changes_the_cookie_and_sign_out_forgets_it() -> None:
    browsers = Browsers()
    browser = browsers.of(request_with(""))
    before = browser.handle
    browsers.sign_in(browser, ANA, 1000)
    assert browsers.of(request_with(before)) is not browser
    assert browsers.of(request_with(browser.handle)).subject == ANA.subject
    browsers.sign_out(browser)
    assert browsers.of(request_with(browser.handle)).subject is None


def test_interactions_end_after_half_an_hour_and_are_bounded() -> None:
    browser = Browsers().of(request_with(""))
    first = browser.begin({"client_id": "c"}, 1000)
    assert browser.interaction(first.handle, 2800) is first
    assert browser.interaction(first.handle, 2801) is None
    for _ in range(MAX_INTERACTIONS):
        browser.begin({"client_id": "c"}, 1000)
    assert browser.interaction(first.handle, 1000) is None
    assert len(browser.interactions) == MAX_INTERACTIONS


def test_browsers_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browsers_module, "MAX_BROWSERS", 2)
    browsers = Browsers()
    first, _, last = (browsers.of(request_with("")) for _ in range(3))
    assert browsers.of(request_with(last.handle)) is last
    assert browsers.of(request_with(first.handle)) is not first


def test_form_token() -> None:
    browser = Browsers().of(request_with(""))
    assert browser.owns_form(browser.form_token)
    assert not browser.owns_form("")
    assert not browser.owns_form("é")
