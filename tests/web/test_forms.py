"""The body of a form post over a real socket: what is read, and what is refused with which status, on a calm page."""

from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.requests import Request

from entracte.errors import LocalError
from entracte.web.forms import MAXIMUM_BYTES, MAXIMUM_FIELDS, first_values, read_form
from tests.journeys.quiz import QUIZ
from tests.web.reading import check_page
from tests.web.running import FORM, PUBLIC, Answer, Browser, Running, ask, running


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("site")) as started:
        started.publish(QUIZ)
        yield started


@pytest.fixture(scope="module")
def browser(site: Running) -> Browser:
    """A browser at the open question."""
    browser = site.browser()
    browser.answer_questions()
    return browser


def post(browser: Browser, body: bytes, media_type: str = FORM[1], *more: tuple[str, str]) -> Answer:
    cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    headers = [("Content-Type", media_type), ("Origin", PUBLIC), ("Cookie", cookies), *more]
    return ask(browser.port, "/c/quiz/why", "POST", headers, body)


def kept(browser: Browser) -> str:
    """The answer as the next page shows it."""
    return check_page(browser.get("/c/quiz/why").body).one("textarea").text


REFUSED: dict[str, tuple[bytes, str, int]] = {
    "not UTF-8": (b"answer=%ff%fe", FORM[1], 400),
    "raw bytes": (b"answer=\xff\xfe", FORM[1], 400),
    "half a surrogate pair": (b"answer=%ed%a0%80", FORM[1], 400),
    "NUL": (b"answer=a%00b", FORM[1], 400),
    "10,000 fields": ("&".join(f"f{n}=" for n in range(10_000)).encode(), FORM[1], 400),
    "too many fields": ("&".join("a=" for _ in range(MAXIMUM_FIELDS + 1)).encode(), FORM[1], 400),
    "too large": (b"answer=" + b"a" * MAXIMUM_BYTES, FORM[1], 413),
    "JSON": (b'{"answer": "a"}', "application/json", 415),
    "XML": (b"<a/>", "text/xml; charset=utf-8", 415),
    "several parts": (b"--x--", "multipart/form-data; boundary=x", 415),
    "plain text": (b"answer=a", "text/plain", 415),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_form_is_refused_on_a_calm_page(browser: Browser, name: str) -> None:
    body, media_type, status = REFUSED[name]
    answer = post(browser, body, media_type)
    assert answer.status == status
    document = check_page(answer.body)
    assert document.one("h1").text == "That did not work just now."
    assert document.one("code").text.startswith("body_")
    assert kept(browser) == "The sea"


def test_a_body_that_never_says_how_long_it_is_stops_at_the_limit(browser: Browser) -> None:
    chunk = b"10000\r\n" + b"a" * 0x10000 + b"\r\n"
    answer = post(browser, chunk * 3, FORM[1], ("Transfer-Encoding", "chunked"))
    assert answer.status == 413


def test_a_form_up_to_the_limits_is_read(browser: Browser) -> None:
    many = [("answer", "Because of the sea")] + [(f"f{number}", "") for number in range(MAXIMUM_FIELDS - 1)]
    assert post(browser, urlencode(many).encode()).status == 303
    assert kept(browser) == "Because of the sea"
    padding = b"&pad=" + b"a" * (MAXIMUM_BYTES - 100)
    assert post(browser, b"answer=The+sea" + padding).status == 303
    assert kept(browser) == "The sea"


@pytest.mark.parametrize("media_type", [FORM[1].upper(), f"{FORM[1]}; charset=UTF-8", f" {FORM[1]} ;x=y"])
def test_the_media_type_is_read_as_browsers_write_it(browser: Browser, media_type: str) -> None:
    assert post(browser, b"answer=The+sea", media_type).status == 303


async def read(body: bytes, media_type: str = FORM[1]) -> dict[str, list[str]]:
    """A body as it comes from a socket: in pieces."""
    pieces = [body[place : place + 7] for place in range(0, len(body), 7)] or [b""]
    waiting = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    waiting.append({"type": "http.request", "body": b"", "more_body": False})

    async def receive() -> dict[str, object]:
        return waiting.pop(0)

    scope = {"type": "http", "method": "POST", "headers": [(b"content-type", media_type.encode())]}
    return await read_form(Request(scope, receive))


texts = st.text(st.characters(exclude_characters="\0\r", exclude_categories=["Cs"]), max_size=30)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(texts, texts), max_size=20))
async def test_what_a_browser_sends_is_what_is_read(pairs: list[tuple[str, str]]) -> None:
    posted = await read(urlencode(pairs).encode())
    assert sorted((name, value) for name, values in posted.items() for value in values) == sorted(pairs)
    assert first_values(posted) == {name: values[0] for name, values in posted.items()}


@settings(max_examples=100)
@given(st.binary(max_size=200))
async def test_any_bytes_are_a_form_or_refused(body: bytes) -> None:
    posted: dict[str, list[str]] = {}
    code = ""
    try:
        posted = await read(body)
    except LocalError as refused:
        code = refused.problem.code
    assert code in ("", "body_malformed")
    assert all("\0" not in value for values in posted.values() for value in values)


async def test_a_line_end_is_one_character() -> None:
    assert await read(b"answer=a%0D%0Ab") == {"answer": ["a\nb"]}


async def test_a_form_with_nothing_in_it() -> None:
    assert await read(b"") == {}
    assert await read(b"", "") == {}
    assert await read(b"&&=&") == {"": [""]}
