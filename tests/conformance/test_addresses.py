"""Addresses to go to that a browser says, at every place where it can say one: none leads to a stranger.

What a campaign goes back to stands in its definition. The browser says a page for a frame, a room of the manager, the
handle of a return, a language; what it says is compared with what we know, byte for byte, or refused.
"""

import re
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from entracte.campaigns.model import Embed
from entracte.connections.addresses import addresses_of
from entracte.web.manage import room_address
from entracte.web.pages.embed.page import accepted_page
from tests.conformance.stage import Stage
from tests.misbehaving_provider import served_misbehaving_provider
from tests.web.running import BRAND, FORM, PUBLIC, Answer, Running

EVIL = "evil.example"
HREF = re.compile(r'(?:href|action|formaction|src)="([^"]*)"')
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
EMBED = Embed(origins=[BRAND])

BACKSLASHES = [
    f"/\\{EVIL}", f"\\/{EVIL}", f"\\\\{EVIL}", f"/\\/{EVIL}", f"https:\\\\{EVIL}", f"https:/\\{EVIL}",
    f"{BRAND}\\@{EVIL}/", f"{BRAND}\\.{EVIL}/", f"/manage\\..\\..\\{EVIL}", f"/%5c{EVIL}",
]  # fmt: skip
CONTROLS = [
    f"/%0a/{EVIL}", f"/%09/{EVIL}", f"/%0d/{EVIL}", f"/%0b/{EVIL}", f"/\n/{EVIL}", f"/\t/{EVIL}", f"/\r/{EVIL}",
    f"/\x0b/{EVIL}", f"/\x00/{EVIL}", f"/\x7f/{EVIL}", f"\t//{EVIL}", f"{BRAND}/\r\nLocation: https://{EVIL}",
    f"{BRAND}/%0d%0aSet-Cookie:%20a=b\r\n", f"{BRAND}\t.{EVIL}/", f"{BRAND}\x00.{EVIL}", f"java\nscript:{EVIL}",
]  # fmt: skip
SLASHES = [
    f"///{EVIL}", f"////{EVIL}", f"/////{EVIL}/", f"/ /{EVIL}", f" //{EVIL}", f"/\t//{EVIL}", f"/.//{EVIL}",
    f"/%20/{EVIL}", f"/%2f/{EVIL}", f"/%2f%2f{EVIL}", f"https:///{EVIL}", f"https:////{EVIL}", f"{BRAND}. /{EVIL}",
    f" {BRAND}/", f"\u3000//{EVIL}", f"/\u00a0/{EVIL}",
]  # fmt: skip
SUFFIXES = [
    "https://evil-www.northwind.example/", "https://evilwww.northwind.example/", f"{BRAND}.{EVIL}/",
    "https://www.northwind.exampleevil.example/", "https://northwind.example/", "https://www.www.northwind.example/",
    "https://www.northwind.example.:443/", f"https://{EVIL}/www.northwind.example", f"https://{EVIL}?{BRAND}/",
    f"https://{EVIL}#.northwind.example", "https://www\u3002northwind\u3002example/", "https://WWW.northwind.example/",
    "https://www.northwind.example:444/", f"{BRAND}@{EVIL}/", f"https://www.northwind.example:80@{EVIL}/",
]  # fmt: skip
ELSEWHERE = [
    f"//{EVIL}", f"https:{EVIL}", f"https:/{EVIL}", f"https://{EVIL}/", f"http://{EVIL}/", f"javascript:'{EVIL}'",
    f"data:text/html,{EVIL}", f"ftp://{EVIL}/", f"//{EVIL}@www.northwind.example/", f"HTTPS://{EVIL}",
]  # fmt: skip
MALFORMED = [
    "http://[", "https://[::1", "https://[not-an-ip]/", "https://]/", "https://", "://", ":", "%", "%zz", "undefined",
    "null", "[object Object]", "https://a:b:c/", "https://www.northwind.example:99999999/", "https://%zz/",
    "https://www.northwind.example:\u0663/", "https://xn--/", "\ud800", "{}", "a" * 8_000, "https://" + "[" * 500,
]  # fmt: skip

Place = Callable[[Stage, str], Answer]
PLACES: dict[str, Place] = {
    "the page of a frame": lambda stage, address: get(stage, f"{stage.campaign}/in", page=address),
    "the page of a frame with a key": lambda stage, address: get(stage, f"{stage.campaign}/in/nobody", page=address),
    "a handle": lambda stage, address: get(stage, f"{stage.campaign}/return/{percent(address)}"),
    "a handle in a frame": lambda stage, address: get(stage, f"{stage.campaign}/in/nobody/return/{percent(address)}"),
    "the handle of a pop-up": lambda stage, address: get(stage, f"{stage.campaign}/sign-in/done", handle=address),
    "a step": lambda stage, address: get(stage, f"{stage.campaign}/{percent(address)}"),
    "a campaign": lambda stage, address: get(stage, f"/c/{percent(address)}"),
    "a language": lambda stage, address: get(stage, stage.campaign, lang=address, page=address, next=address),
    "the room of the manager": lambda stage, address: get(stage, "/manage/sign-in", next=address),
    "a posted room": lambda stage, address: post(stage, "/manage/sign-in", next=address, email="a@b.example"),
    "the callback": lambda stage, address: get(stage, "/oauth/callback", state=address, code="x", redirect_uri=address),
    "the return": lambda stage, address: get(stage, f"{stage.campaign}/sign-in/return", state=address, next=address),
    "the return from a logout": lambda stage, address: get(stage, "/oauth/signed-out", state=address, url=address),
    "a login that others initiate": lambda stage, address: get(
        stage, initiated(stage), iss=stage.provider.issuer, target_link_uri=address, login_hint=address
    ),
    "the sign-in": lambda stage, address: post(stage, f"{stage.campaign}/sign-in", next=address, page=address),
    "the sign-out": lambda stage, address: post(stage, f"{stage.campaign}/sign-out", next=address, page=address),
    "the address itself": lambda stage, address: stage.site.ask(f"/{percent(address, safe='/%:@')}"),
}


def initiated(stage: Stage) -> str:
    return addresses_of(stage.connection, "").initiate_login_uri


def percent(address: str, safe: str = "") -> str:
    return quote(address.encode(errors="surrogatepass"), safe=safe)


def encoded(given: dict[str, str]) -> str:
    return urlencode({name: value.encode(errors="surrogatepass") for name, value in given.items()})


def get(stage: Stage, path: str, **given: str) -> Answer:
    return stage.site.ask(f"{path}?{encoded(given)}" if given else path)


def post(stage: Stage, path: str, **given: str) -> Answer:
    return stage.site.ask(path, "POST", [FORM, ("Origin", PUBLIC)], encoded(given).encode())


def leads_to(address: str) -> str:
    """The origin that a browser goes to from a page of ours (URL Standard, basic URL parser): tabs and line breaks are
    left out, and a backslash is a slash."""
    text = re.sub(r"[\t\n\r]", "", address.strip("".join(map(chr, range(33))))).replace("\\", "/")
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):", text)
    if scheme is None and not text.startswith("//"):
        return PUBLIC
    name = scheme[1].lower() if scheme else "https"
    if name not in ("http", "https"):
        return f"{name}:"
    rest = text[scheme.end() :] if scheme else text
    host = re.split(r"[/?#]", rest.lstrip("/"), maxsplit=1)[0].rpartition("@")[2]
    return f"{name}://{host.lower()}"


def leads_nowhere_else(stage: Stage, answer: Answer) -> None:
    assert answer.status < 500
    for name, value in answer.headers:
        assert not CONTROL.search(value), name
        assert name != "refresh"
        if name == "location":
            assert leads_to(value) in (PUBLIC, BRAND, stage.provider.issuer), value
    for address in HREF.findall(answer.body):
        assert EVIL not in leads_to(address), address


@pytest.fixture(scope="module")
def shared(site: Running) -> Iterator[Stage]:
    """One campaign and one login for all addresses."""
    with served_misbehaving_provider() as provider:
        made = Stage(site, provider)
        made.connect()
        yield made


ALL = {
    "BAD 30": BACKSLASHES,
    "BAD 31": CONTROLS,
    "BAD 32": SLASHES,
    "BAD 33": SUFFIXES,
    "BAD 34": ELSEWHERE,
    "BAD 35": MALFORMED,
}
CASES = [
    pytest.param(place, addresses, marks=pytest.mark.conformance(line, "MUST 50"), id=f"{line} {place}")
    for line, addresses in ALL.items()
    for place in PLACES
]


@pytest.mark.parametrize(("place", "addresses"), CASES)
def test_an_address_of_the_browsers_leads_to_no_stranger(shared: Stage, place: str, addresses: list[str]) -> None:
    for address in addresses:
        leads_nowhere_else(shared, PLACES[place](shared, address))


@pytest.mark.conformance("MUST 50", "BAD 29", "BAD 30", "BAD 31", "BAD 32", "BAD 33", "BAD 34", "BAD 35")
def test_the_page_of_a_frame_is_one_that_the_campaign_names_or_400(shared: Stage) -> None:
    for address in (address for addresses in ALL.values() for address in addresses):
        answer = PLACES["the page of a frame"](shared, address)
        assert (answer.status, answer.has("location"), answer.set_cookies) == (400, False, []), address
        assert accepted_page(address, EMBED) == ""
        assert room_address(address) == "/manage"
    assert PLACES["the page of a frame"](shared, f"{BRAND}/win?a=b").status == 303
    assert accepted_page(f"{BRAND}/win?a=b#c", EMBED) == f"{BRAND}/win?a=b"


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("/c/quiz", PUBLIC), ("", PUBLIC), (f"/\\{EVIL}", f"https://{EVIL}"), (f"/\t/{EVIL}", f"https://{EVIL}"),
        (f"https:{EVIL}", f"https://{EVIL}"), (f" https:///{EVIL}/a", f"https://{EVIL}"), (BRAND, BRAND),
        (f"{BRAND}@{EVIL}/", f"https://{EVIL}"), (f"{BRAND}:444/", f"{BRAND}:444"), ("javascript:1", "javascript:"),
    ],
)  # fmt: skip
def test_where_a_browser_goes(address: str, origin: str) -> None:
    """So that the tests above can fail."""
    assert leads_to(address) == origin


# Junk that makes a pattern slow

JUNK: dict[str, Callable[[int], str]] = {
    "IPv6": lambda size: f"https://[{':' * size}]/",
    "groups of IPv6": lambda size: f"https://[{'0:' * (size // 2)}g]/",
    "no end": lambda size: f"https://[{'[' * size}",
    "a port": lambda size: f"{BRAND}:{'1' * size}x",
    "dots": lambda size: f"https://{'a.' * (size // 2)}!",
    "hyphens": lambda size: f"/manage/{'a-' * (size // 2)}!",
    "rooms": lambda size: f"/manage{'/a' * (size // 2)}!",
    "user parts": lambda size: f"https://{'a@' * (size // 2)}",
}
LONGEST_ASKED = 2000
"""Characters that any pattern is asked about; longer ones are refused before."""


def steps(read: Callable[[str], object], address: str) -> tuple[int, int]:
    """How much is called while this reads the address: functions of Python, and the characters that went into each call
    of a pattern."""
    calls = characters = 0

    def count(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal calls, characters
        calls += 1
        if event == "c_call" and isinstance(getattr(argument, "__self__", None), re.Pattern):
            characters += len(address)

    sys.setprofile(count)
    try:
        read(address)
    finally:
        sys.setprofile(None)
    return calls, characters


@pytest.mark.conformance("BAD 46")
@pytest.mark.parametrize("junk", JUNK)
@pytest.mark.parametrize("read", [lambda text: accepted_page(text, EMBED), room_address], ids=["frame", "room"])
def test_junk_takes_no_more_steps_than_it_has_characters(read: Callable[[str], object], junk: str) -> None:
    """Counted, not timed: the calls are at most linear in the size, a pattern sees each character once per call and
    never a text beyond the limit, and a thousand times the size is refused with the fewest calls of all."""
    read(JUNK[junk](100))  # whatever is made once is there
    short, _ = steps(read, JUNK[junk](400))
    longer, seen = steps(read, JUNK[junk](1600))
    huge, seen_of_huge = steps(read, JUNK[junk](400_000))
    assert longer <= 4 * short + 20
    assert seen <= 4 * LONGEST_ASKED
    assert seen_of_huge == 0
    assert huge <= short + 5
