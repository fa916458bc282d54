"""What a sign-in came to: proven, or refused for a reason, with what was asked after the browser came back."""

import json
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

import pytest

from entracte.connections.model import Connection
from entracte.connections.providers import Providers
from entracte.protocol.errors import Reason, Refused
from entracte.values import now
from tests.connections.relying import Relying
from tests.connections.test_profile_sources import Forgetful

KEYS = frozenset({"/jwks"})
"""A token can not be judged without the keys: to fetch them tells nobody anything."""
EMAIL = "ada@northwind.example"


class Refusal(NamedTuple):
    """Why, and the endpoints that were asked after the browser was sent back, but for the keys."""

    reason: Reason
    asked: list[str]


def case(misbehaviour: str, reason: Reason, *lines: str) -> Any:
    """A case of a table, marked with the lines that it shows."""
    marks = [pytest.mark.conformance(*lines)] if lines else []
    return pytest.param(misbehaviour, reason, id=misbehaviour, marks=marks)


async def accepted(relying: Relying, connection: Connection, providers: Providers | None = None) -> list[str]:
    """Signs in; the endpoints that were asked after the browser was sent back."""
    signed_in = await relying.sign_in(connection, providers)
    assert signed_in.mapped.attributes["email"] == EMAIL
    return _after_the_browser(relying.paths())


async def refused(relying: Relying, connection: Connection, providers: Providers | None = None) -> Refusal:
    with pytest.raises(Refused) as refusal:
        await relying.sign_in(connection, providers)
    told = json.dumps([str(refusal.value), refusal.value.evidence])
    assert not [secret for secret in secrets(relying) if secret in told]
    return Refusal(refusal.value.reason, _after_the_browser(relying.paths()))


async def refused_at_once(relying: Relying, connection: Connection) -> Reason:
    """Why, of an answer that is refused before anything is asked: no endpoint, and not for the keys either."""
    reason, _asked = await refused(relying, connection)
    assert relying.paths()[-1] == "/authorize"
    return reason


def forgetting(relying: Relying, times: int) -> Providers:
    """The way to a provider that forgets its access tokens before UserInfo is asked, so many times."""
    return Providers(Forgetful(relying, times), now)


def secrets(relying: Relying) -> Iterable[str]:
    """What no evidence may hold (MUST 53)."""
    provider = relying.provider
    yield from (provider.client_secret, EMAIL, *provider.access_tokens, *provider.grants)
    yield from (call.form["code"] for call in provider.calls("/token") if "code" in call.form)


def _after_the_browser(paths: Collection[str]) -> list[str]:
    asked = list(paths)
    return [path for path in asked[asked.index("/authorize") + 1 :] if path not in KEYS]
