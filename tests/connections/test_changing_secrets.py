"""While a server changes from one client secret to the next, what it signs with either is taken (OpenID Connect Core
section 10.1: the MACs of a client are under its secret)."""

from dataclasses import replace
from typing import Any

import pytest

from entracte.connections.client_secrets import seal_secret, secrets_for_macs, with_secret
from entracte.connections.model import Connection
from entracte.protocol.errors import Reason, Refused
from entracte.values import Secret
from tests.connections.relying import KEYS, Relying

EMAIL = "ada@northwind.example"
THEIRS = "the provider's secret of more than thirty-two bytes"
OTHER = "another secret of more than thirty-two bytes"
WAYS: dict[str, dict[str, Any]] = {
    "the ID token": {},
    "the response too": {"response_mode": "jwt"},
    "UserInfo too": {"signed_userinfo": True, "profile_source": "userinfo"},
    "an ID token in the response": {"response_type": "code id_token"},
    "a client assertion": {"authentication": "client_secret_jwt"},
}


def with_secrets(relying: Relying, previous: str, current: str, **config: Any) -> Connection:
    relying.provider.client_secret, relying.provider.algorithm = THEIRS, "HS256"
    kept = relying.connection(id_token_algorithms=["HS256"], **config)
    kept = replace(kept, sealed_secret=sealed(kept, previous))
    return with_secret(kept, sealed(kept, current), 1, replace_previous=False)


def sealed(kept: Connection, secret: str) -> str:
    return seal_secret(Secret(secret), kept.organization, KEYS)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("previous", "current"), [(THEIRS, OTHER), (OTHER, THEIRS)])
async def test_a_sign_in_works_all_the_time(relying: Relying, previous: str, current: str, way: str) -> None:
    kept = with_secrets(relying, previous, current, **WAYS[way])
    relying.provider.userinfo_algorithm = "HS256" if kept.config.signed_userinfo else ""
    relying.provider.authentication = kept.config.authentication
    assert (await relying.sign_in(kept)).mapped.attributes["email"] == EMAIL


async def test_a_secret_that_is_kept_no_more_signs_nothing(relying: Relying) -> None:
    """The token endpoint takes anybody here: only the MAC is under the secret."""
    kept = with_secrets(relying, OTHER, OTHER, authentication="none")
    relying.provider.authentication = "none"
    with pytest.raises(Refused) as refused:
        await relying.sign_in(kept)
    assert refused.value.reason is Reason.TOKEN_SIGNATURE


async def test_a_short_secret_gets_no_more_by_the_one_beside_it(relying: Relying) -> None:
    kept = with_secrets(relying, OTHER, "short")
    relying.provider.client_secret = "short"
    relying.provider.algorithm = "HS256"
    with pytest.raises(Refused) as refused:
        await relying.sign_in(kept)
    assert refused.value.reason is Reason.TOKEN_SIGNATURE


def test_which_secrets_there_are(relying: Relying) -> None:
    kept = with_secrets(relying, OTHER, THEIRS)
    assert secrets_for_macs(kept, KEYS) == (Secret(THEIRS), Secret(OTHER))
    assert secrets_for_macs(replace(kept, previous_sealed_secret=None), KEYS) == (Secret(THEIRS),)
    assert secrets_for_macs(replace(kept, sealed_secret="", previous_sealed_secret=None), KEYS) == ()
