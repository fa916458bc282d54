"""The address of ours at which a server finds a request (`request_uri`): everything is in it, and it is short enough
for every server (OpenID Connect Core section 6.2)."""

from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest

from entracte.connections.addresses import redirect_uri_of
from entracte.connections.authorization_request import LONGEST_REFERENCE, opened_reference
from entracte.connections.model import Connection
from entracte.connections.sign_in import begin
from entracte.participation.login_hints import LONGEST
from entracte.protocol.state import StateContent
from entracte.values import AttemptNumber, CampaignNumber, ParticipationId, now
from tests.connections.relying import KEYS, OAUTH_URL, Relying

LONG_HOST = "https://" + ".".join(["w" * 60] * 4)
"""Nearly as long as a name can be (RFC 1035 section 2.3.4)."""


async def reference_of(
    relying: Relying, kept: Connection, hint: str = "", address: str = OAUTH_URL, *, another: bool = False
) -> str:
    content = StateContent(CampaignNumber(3), kept.number, ParticipationId(uuid4()), AttemptNumber(9), now())
    begun = await begin(
        relying.server(kept),
        content,
        redirect_uri=redirect_uri_of(kept, address),
        language="en",
        another_account=another,
        address=address,
        login_hint=hint,
    )
    [reference] = parse_qs(urlsplit(begun.url).query)["request_uri"]
    return reference


@pytest.mark.parametrize("address", [OAUTH_URL, "https://play.a-brand-with-a-long-name.example", LONG_HOST])
@pytest.mark.parametrize("hint", ["", "ada@northwind.example", "a" * LONGEST, "é" * LONGEST, "\U0001f600" * LONGEST])
@pytest.mark.parametrize("own", [False, True])
async def test_it_has_512_characters_at_most(relying: Relying, hint: str, address: str, own: bool) -> None:
    kept = relying.connection(request_object="reference", own_redirect_uri=own)
    reference = await reference_of(relying, kept, hint, address, another=True)
    assert len(reference) <= LONGEST_REFERENCE == 512
    assert reference.isascii()
    asked, _ = opened_reference(reference.rpartition("/")[2], address, KEYS, now())
    assert (asked.redirect_uri, asked.language) == (redirect_uri_of(kept, address), "en")
    assert asked.another_account
    assert asked.login_hint in ("", hint)


@pytest.mark.parametrize("hint", ["ada@northwind.example", "a" * LONGEST, "é" * 70, "ада@пример.рф"])
async def test_a_hint_is_in_it_where_there_is_room(relying: Relying, hint: str) -> None:
    kept = relying.connection(request_object="reference")
    reference = await reference_of(relying, kept, hint)
    asked, _ = opened_reference(reference.rpartition("/")[2], OAUTH_URL, KEYS, now())
    assert asked.login_hint == hint
    assert not asked.another_account


async def test_the_last_letter_that_fits_is_the_last_one(relying: Relying) -> None:
    """Then the hint is left out, and the sign-in begins all the same."""
    kept = relying.connection(request_object="reference")
    hints = {}
    for length in range(1, 400):
        reference = await reference_of(relying, kept, "h" * length)
        asked, _ = opened_reference(reference.rpartition("/")[2], OAUTH_URL, KEYS, now())
        hints[length] = (asked.login_hint, len(reference))
    fits = [length for length, (hint, _) in hints.items() if hint]
    assert fits == list(range(1, len(fits) + 1))
    assert LONGEST < len(fits) < 399
    assert 508 <= hints[len(fits)][1] <= 512
    assert hints[len(fits) + 1][1] < 300
