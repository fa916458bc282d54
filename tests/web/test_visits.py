"""Whose request it is: campaign, participation, language, and whether it is a person's at all."""

from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from starlette.requests import Request

from entracte.web.visits import is_prefetch, neutral_language, path_of, query_of, same_origin
from tests.journeys.quiz import QUIZ
from tests.web.reading import check_page
from tests.web.running import BRAND, FRAMED_QUIZ, PUBLIC, Running, running


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("site")) as started:
        started.publish(FRAMED_QUIZ)
        started.publish(QUIZ.replace("campaign: quiz", "campaign: second"))
        yield started


def request(method: str = "GET", path: str = "/", query: bytes = b"", **headers: str) -> Request:
    given = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    return Request({"type": "http", "method": method, "path": path, "query_string": query, "headers": given})


@pytest.mark.parametrize(
    ("origin", "ours"),
    [
        (PUBLIC, True),
        ("null", False),
        ("", False),
        ("https://evil.example", False),
        (f"{PUBLIC}:443", False),
        (f"{PUBLIC}.evil.example", False),
        (f"{PUBLIC}, https://evil.example", False),
        ("http://play.example", False),
    ],
)
def test_a_post_is_ours_when_the_browser_says_so(origin: str, ours: bool) -> None:
    assert same_origin(request("POST", origin=origin), PUBLIC) is ours


def test_a_browser_that_does_not_say_is_held_by_its_cookie() -> None:
    assert same_origin(request("POST"), PUBLIC)


@pytest.mark.parametrize(
    ("asked", "looking"),
    [
        (request(), False),
        (request("HEAD"), True),
        (request(sec_purpose="prefetch"), True),
        (request(sec_purpose="prefetch;prerender"), True),
        (request(purpose="Prefetch"), True),
        (request(sec_purpose="other"), False),
        (request("POST", sec_purpose="prefetch"), False),
    ],
)
def test_who_only_looks(asked: Request, looking: bool) -> None:
    assert is_prefetch(asked) is looking


def test_path_and_query_are_those_that_were_routed() -> None:
    asked = request(path="/c/quiz", query=b"state=a\xff", host="evil.example/c/other?state=b#")
    assert (path_of(asked), query_of(asked)) == ("/c/quiz", "state=aÿ")


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("fr", "fr"),
        ("fr-BE,en;q=0.5", "fr"),
        ("FR", "fr"),
        ("de, fr;q=0.8", "fr"),
        ("en-GB, fr", "en"),
        ("de, xx", "en"),
        ("*", "en"),
        (",,;", "en"),
        ("français", "en"),
    ],
)
def test_the_language_where_there_is_no_campaign(accepted: str, language: str) -> None:
    assert neutral_language(request(accept_language=accepted)) == language


@pytest.mark.parametrize(
    ("accepted", "wanted", "language"),
    [
        ("fr-BE, en", "", "fr"),
        ("de, nl", "", "en"),
        ("en", "fr", "fr"),
        ("fr", "de", "fr"),
        ("", "", "en"),
        ("fr;q=0.1", "en", "en"),
    ],
)
def test_the_language_of_a_campaign(site: Running, accepted: str, wanted: str, language: str) -> None:
    """The one that was asked for, then the browser's, then the campaign's first; and it is kept."""
    browser = site.browser(accepted)
    shown = browser.get(f"/c/quiz?lang={wanted}" if wanted else "/c/quiz")
    assert check_page(shown.body).one("html")["lang"] == language
    browser.language = "xx"
    assert check_page(browser.get("/c/quiz/hello").body).one("html")["lang"] == language


def test_a_language_that_was_chosen_on_the_way_stays(site: Running) -> None:
    browser = site.browser()
    browser.answer_questions()
    browser.get("/c/quiz/song?lang=fr")
    assert check_page(browser.get("/c/quiz/why").body).one("html")["lang"] == "fr"


def test_one_browser_in_two_campaigns(site: Running) -> None:
    browser = site.browser()
    browser.answer_questions("/c/quiz")
    browser.get("/c/second")
    assert browser.get("/c/second").path == "/c/second/hello"
    assert browser.get("/c/quiz").path == "/c/quiz/sign-in"
    assert {"__Host-entracte-quiz", "__Host-entracte-second"} <= browser.cookies.keys()


def test_a_key_of_one_campaign_under_the_name_of_another(site: Running) -> None:
    browser = site.browser()
    browser.answer_questions("/c/quiz")
    browser.cookies["__Host-entracte-second"] = browser.cookies["__Host-entracte-quiz"]
    assert browser.get("/c/second/why").path == "/c/second"
    assert browser.get("/c/second").status == 200


def test_nobody_jumps_ahead(site: Running) -> None:
    browser = site.browser()
    browser.get("/c/quiz")
    for step in ("song", "why", "sign-in", "sign-in/mishap", "details", "thanks", "nothing"):
        assert browser.get(f"/c/quiz/{step}").path == "/c/quiz/hello", step
        if "/" not in step:
            assert browser.post(f"/c/quiz/{step}").path == "/c/quiz/hello", step
    assert browser.post("/c/quiz/sign-in?another=1", [("email", "x")]).status == 303
    assert browser.get("/c/quiz").path == "/c/quiz/hello"


def test_every_page_gives_the_key_again_so_that_it_lives_on(site: Running) -> None:
    browser = site.browser()
    browser.get("/c/quiz")
    first = browser.cookies["__Host-entracte-quiz"]
    answer = browser.get("/c/quiz/hello")
    assert len(answer.set_cookies) == 1
    assert browser.cookies["__Host-entracte-quiz"] == first


def test_a_frame_has_its_key_in_its_address_and_no_cookie(site: Running) -> None:
    browser = site.browser()
    base = browser.get(f"/c/quiz/in?{urlencode({'page': BRAND})}").path
    first = browser.get(browser.get(base).path)
    document = check_page(first.body)
    assert document.one("form")["action"] == f"{base}/hello"
    assert browser.post(f"{base}/hello").path == f"{base}/song"
    assert browser.cookies == {}


def test_a_frames_key_that_does_not_open_begins_anew_for_the_same_page(site: Running) -> None:
    page = urlencode({"page": f"{BRAND}/win"})
    for key in ("A" * 60, "x", "%00", ".."):
        answer = site.ask(f"/c/quiz/in/{key}?{page}")
        assert (answer.status, answer.path) == (303, f"/c/quiz/in?{page}")


def test_a_slash_at_the_end(site: Running) -> None:
    """Of a campaign it is dropped; nothing else is sent on by it, least of all to a host that the request names."""
    answer = site.ask("/c/quiz/", headers=[("Host", "evil.example")])
    assert (answer.status, answer["location"]) == (303, "/c/quiz")
    for target in ("/c/never/", "/oauth/callback/", "//evil.example/", "/c/quiz/song/", "/healthz/"):
        assert site.ask(target, headers=[("Host", "evil.example")]).status == 404, target
