"""The two cookies, as they are sent to a browser on TLS and to one on a developer's machine."""

from http.cookies import Morsel, SimpleCookie

import pytest
from starlette.responses import Response

from entracte.values import AttemptNumber
from entracte.web.cookies import (
    KEY_AGE,
    MOST_TICKETS,
    TICKET_AGE,
    key_name,
    set_key,
    set_ticket,
    ticket_name,
)


def sent(response: Response) -> dict[str, Morsel[str]]:
    """The cookies of an answer by name."""
    cookies: dict[str, Morsel[str]] = {}
    for name, value in response.raw_headers:
        if name == b"set-cookie":
            cookies.update(SimpleCookie(value.decode()).items())
    return cookies


@pytest.mark.conformance("MUST 12")
@pytest.mark.parametrize("secure", [True, False])
def test_a_key_is_for_this_host_alone(secure: bool) -> None:
    """MUST 12. Without TLS browsers refuse the prefix and Secure."""
    response = Response()
    set_key(response, "quiz", "KEY", secure=secure)
    [(name, cookie)] = sent(response).items()
    assert name == ("__Host-entracte-quiz" if secure else "entracte-quiz") == key_name("quiz", secure=secure)
    assert cookie.value == "KEY"
    assert (bool(cookie["secure"]), bool(cookie["httponly"])) == (secure, True)
    assert (cookie["path"], cookie["domain"], cookie["samesite"].lower()) == ("/", "", "lax")
    assert cookie["max-age"] == str(KEY_AGE)


@pytest.mark.conformance("MUST 12")
def test_a_ticket_is_named_for_its_attempt_and_lives_an_hour() -> None:
    response = Response()
    set_ticket(response, AttemptNumber(0xAB), "TICKET", {}, secure=True)
    [(name, cookie)] = sent(response).items()
    assert name == "__Host-entracte_attempt-000000ab"
    assert (cookie.value, cookie["max-age"]) == ("TICKET", str(TICKET_AGE))
    assert bool(cookie["secure"])


def test_no_campaigns_key_has_the_name_of_a_ticket() -> None:
    """A campaign can be called `attempt-000000ab`."""
    assert key_name("attempt-000000ab", secure=True) != ticket_name(AttemptNumber(0xAB), secure=True)


@pytest.mark.conformance("MUST 12")
@pytest.mark.parametrize(("present", "gone"), [(0, 0), (6, 0), (7, 1), (20, 14)])
def test_a_browser_keeps_seven_tickets(present: int, gone: int) -> None:
    response = Response()
    jar = {ticket_name(AttemptNumber(number), secure=True): "x" for number in range(present)}
    jar["__Host-entracte-quiz"] = "KEY"
    set_ticket(response, AttemptNumber(999), "TICKET", jar, secure=True)
    cookies = sent(response)
    ended = {name for name, cookie in cookies.items() if cookie["max-age"] == "0"}
    assert len(ended) == gone
    assert len(jar.keys() - ended - {"__Host-entracte-quiz"}) + 1 <= MOST_TICKETS
    assert "__Host-entracte-quiz" not in ended
    assert cookies[ticket_name(AttemptNumber(999), secure=True)].value == "TICKET"


@pytest.mark.conformance("MUST 12")
def test_the_oldest_ticket_gives_way() -> None:
    """Browsers name the cookies of a path in the order in which they were made (RFC 6265 section 5.4); the numbers of
    attempts are random."""
    numbers = [0xFF, 0x01, 0x80, 0x02, 0x90, 0x03, 0xA0]
    response = Response()
    jar = {ticket_name(AttemptNumber(number), secure=True): "x" for number in numbers}
    set_ticket(response, AttemptNumber(0), "TICKET", jar, secure=True)
    [(name, cookie)] = [(name, cookie) for name, cookie in sent(response).items() if cookie["max-age"] == "0"]
    assert name == ticket_name(AttemptNumber(0xFF), secure=True)
    # a browser drops a `__Host-` cookie only for an answer that could have set it
    assert (cookie["path"], bool(cookie["secure"]), cookie["domain"]) == ("/", True, "")
