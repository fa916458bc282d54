"""Settings: what an operator wrote, as the rest of the program compares it."""

import pytest

from entracte.errors import LocalError
from entracte.protocol.seal import encode
from entracte.settings import Settings, read_settings

KEYS = f"1:{encode(bytes(32))}"


def settings(**given: object) -> Settings:
    return read_settings(secret_keys=KEYS, **given)


@pytest.mark.parametrize(
    ("written", "as_browsers_say_it"),
    [
        ("https://play.example", "https://play.example"),
        ("https://play.example/", "https://play.example"),
        ("https://Play.Example", "https://play.example"),
        ("HTTPS://play.example:443", "https://play.example"),
        ("http://localhost:80", "http://localhost"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("https://play.example:8443/", "https://play.example:8443"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_an_address_of_ours_is_the_origin_that_browsers_say(written: str, as_browsers_say_it: str) -> None:
    """A post is compared with it: written otherwise, no answer of a participant would ever be taken."""
    given = settings(public_url=written, oauth_url=written)
    assert given.public_url == as_browsers_say_it
    assert given.redirect_uri == f"{as_browsers_say_it}/oauth/callback"


@pytest.mark.parametrize(
    "written",
    [
        "play.example", "ftp://play.example", "https://", "https://play.example/path", "https://play.example?x=1",
        "https://play.example#x", "https://user:canary@play.example", "https://play.example:99999",
        "https://[canary]", "https://play example",
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["public_url", "oauth_url"])
def test_what_is_no_address_of_ours_is_told_by_its_setting(name: str, written: str) -> None:
    with pytest.raises(LocalError) as refused:
        settings(**{name: written})
    [problem] = refused.value.problems
    assert (problem.code, problem.where) == ("setting_malformed", f"ENTRACTE_{name.upper()}")
    assert "canary" not in str(refused.value)
