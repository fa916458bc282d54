"""The certificate of an authority: set up for a key of ours and for nothing else, and shown through every rotation."""

from collections.abc import AsyncIterator

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from entracte.connections.client_metadata import Ourselves, client_metadata
from entracte.connections.key_rotation import PUBLISHED_FIRST
from entracte.connections.manage import add, reconfigure, replace_or_add, rotate_keys
from entracte.connections.model import Connection, ConnectionConfig, KeyUse
from entracte.connections.opened_keys import certificate_request, opened
from entracte.connections.own_certificates import certificate_of, check_certificate, is_certified, private_key_of
from entracte.connections.registration import Way, Where, register
from entracte.errors import Kind, LocalError
from entracte.organizations.model import Brand
from entracte.store.opened import Store
from entracte.values import OrganizationNumber, Secret, now
from tests.connections.keyed import NOW, config, made, rotated_at
from tests.connections.relying import KEYS, Relying, relying_on
from tests.connections.test_protected_requests import EMAIL, aliases, client_certificate_of, trusting_the_provider
from tests.fetch.certificates import self_signed, unsigned
from tests.misbehaving_provider import MisbehavingProvider, authority

OURSELVES = Ourselves("Entracte", "https://play.example", ("it@northwind.example",))
UNUSABLE = {
    "junk": ("junk", "unreadable"),
    "a key in place of it": ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "unreadable"),
    "cut short": (self_signed().chain[:200], "unreadable"),
    "no base64": ("-----BEGIN CERTIFICATE-----\né!\n-----END CERTIFICATE-----\n", "unreadable"),
    "no certificate": ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "unreadable"),
    "of another key": (self_signed().chain, "other_key"),
}


def certified(request: str) -> str:
    """The certificate that the provider's authority gives out for a request of ours."""
    asked = x509.load_pem_x509_csr(request.encode())
    key, issuer = load_pem_private_key(authority().key, None), x509.load_pem_x509_certificate(authority().certificate)
    public = asked.public_key()
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert isinstance(public, ec.EllipticCurvePublicKey)
    return unsigned("entracte", issuer.subject, public, 10).sign(key, SHA256()).public_bytes(Encoding.PEM).decode()


@pytest.fixture
async def by_tls() -> AsyncIterator[Relying]:
    provider = MisbehavingProvider(https=True, mtls=True, only_mtls_aliases=True)
    async with relying_on(provider, tls=trusting_the_provider) as sides:
        yield sides


def by_authority(kept: Connection, chain: str) -> ConnectionConfig:
    settings = kept.config.model_dump() | {"authentication": "tls_client_auth", "client_certificate": chain}
    return ConnectionConfig.model_validate(settings)


async def test_the_certificate_of_an_authority_is_shown_through_every_rotation(by_tls: Relying) -> None:
    by_tls.provider.authentication = "tls_client_auth"
    kept = by_tls.connection(authentication="tls_client_auth", **aliases(by_tls))
    chain = certified(certificate_request(kept, KEYS))
    by_tls.provider.trust_certificate(client_certificate_of(chain))
    kept = kept.with_config(by_authority(kept, chain))
    for times in range(5):
        assert (await by_tls.sign_in(kept)).mapped.attributes["email"] == EMAIL
        kept = rotated_at(kept, now() + times * PUBLISHED_FIRST)
        assert len([key for key in kept.own_keys if key.use is KeyUse.TLS]) <= 4
        assert sum(is_certified(kept.config, key) for key in kept.own_keys) == 1


async def test_one_for_the_new_key_takes_its_place(by_tls: Relying) -> None:
    by_tls.provider.authentication = "tls_client_auth"
    kept = by_tls.connection(authentication="tls_client_auth", **aliases(by_tls))
    kept = rotated_at(kept.with_config(by_authority(kept, certified(certificate_request(kept, KEYS)))), now())
    chain = certified(certificate_request(kept, KEYS))
    config = by_authority(kept, chain)
    check_certificate(config, kept.own_keys)
    by_tls.provider.trust_certificate(client_certificate_of(chain))
    assert (await by_tls.sign_in(kept.with_config(config))).mapped.attributes["email"] == EMAIL
    later = rotated_at(kept.with_config(config), now() + PUBLISHED_FIRST)
    later = rotated_at(later, now() + 3 * PUBLISHED_FIRST)
    assert [is_certified(config, key) for key in later.own_keys] == [False, False, True], "and the one before goes"


# Setting it up


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    opened = Store.open("sqlite://")
    await opened.start()
    yield opened
    await opened.stop()


@pytest.fixture
async def owner(store: Store) -> OrganizationNumber:
    return (await store.organizations.add("northwind", "Northwind", Brand(), "sealed")).number


def refused(caught: pytest.ExceptionInfo[LocalError], what: str) -> None:
    problem = caught.value.problem
    assert (problem.kind, problem.code) == (Kind.BAD_INPUT, f"connection_certificate_{what}")
    assert problem.where == "client_certificate"
    assert problem.hint


@pytest.mark.parametrize("name", UNUSABLE)
async def test_what_is_no_certificate_for_a_key_of_ours_is_not_set_up(
    store: Store, owner: OrganizationNumber, name: str
) -> None:
    certificate, what = UNUSABLE[name]
    wrong = config(authentication="tls_client_auth", client_certificate=certificate)
    right, secret = config(authentication="tls_client_auth"), Secret("")
    with pytest.raises(LocalError) as caught:
        await add(store.connections, owner, wrong, secret, KEYS, NOW)
    refused(caught, what)
    assert await store.connections.of(owner) == []
    before = await add(store.connections, owner, right, secret, KEYS, NOW)
    with pytest.raises(LocalError) as caught:
        await reconfigure(store.connections, owner, wrong, KEYS, NOW)
    refused(caught, what)
    with pytest.raises(LocalError) as caught:
        await replace_or_add(store.connections, owner, wrong, secret, KEYS, NOW)
    refused(caught, what)
    assert await store.connections.of(owner) == [before]


async def test_one_for_a_key_of_ours_is_set_up_and_goes_with_a_leak(store: Store, owner: OrganizationNumber) -> None:
    connections = store.connections
    kept = await add(connections, owner, config(authentication="tls_client_auth"), Secret(""), KEYS, NOW)
    chain = certified(certificate_request(kept, KEYS))
    kept = await reconfigure(connections, owner, by_authority(kept, chain), KEYS, NOW)
    shown = opened(kept, KEYS, NOW).certificate
    assert shown is not None
    assert shown.chain == chain
    kept = await rotate_keys(connections, owner, "northwind", KEYS, NOW)
    with pytest.raises(LocalError, match="connection_keys_rotating"):
        await rotate_keys(connections, owner, "northwind", KEYS, NOW + 60)
    assert await connections.by_name(owner, "northwind") == kept
    gone = await rotate_keys(connections, owner, "northwind", KEYS, NOW + 60, leaked=True)
    assert gone.config.client_certificate == ""
    assert len(gone.own_keys) == 1
    assert gone.own_keys[0] not in kept.own_keys


@pytest.mark.parametrize("name", ["junk", "of another key"])
async def test_a_registration_begins_without_one(
    relying: Relying, store: Store, owner: OrganizationNumber, name: str
) -> None:
    certificate, what = UNUSABLE[name]
    relying.provider.metadata = {"token_endpoint_auth_methods_supported": ["tls_client_auth"]}
    given = {
        "name": "northwind", "title": "Northwind", "issuer": relying.provider.issuer,
        "authentication": "tls_client_auth", "client_certificate": certificate,
    }  # fmt: skip
    way = Way(relying.fetcher, relying.fetcher.insecure_allowed, NOW)
    where = Where(f"{relying.provider.issuer}/register")
    with pytest.raises(LocalError) as caught:
        await register(store.connections, owner, given, OURSELVES, way, KEYS, where)
    refused(caught, what)
    assert relying.provider.calls("/register") == []
    assert await store.connections.of(owner) == []


def test_one_that_was_kept_before_it_was_checked_is_told_of() -> None:
    kept = made(authentication="tls_client_auth", client_certificate="junk")
    assert not is_certified(kept.config, kept.own_keys[0])
    with pytest.raises(LocalError) as caught:
        client_metadata(kept, OURSELVES)
    refused(caught, "unreadable")


def test_the_subject_of_a_certificate_is_told_to_the_server() -> None:
    kept = made(authentication="tls_client_auth")
    chain = certified(certificate_request(kept, KEYS))
    told = client_metadata(kept.with_config(by_authority(kept, chain)), OURSELVES)
    assert told.more["tls_client_auth_subject_dn"] == "CN=entracte"
    assert "tls_client_auth_subject_dn" not in client_metadata(kept, OURSELVES).more
    assert certificate_of(kept.config) is None


def test_a_public_key_signs_no_certificate() -> None:
    public = {name: value for name, value in made(dpop=True).own_keys[0].public.items() if name != "x5c"}
    with pytest.raises(LookupError):
        private_key_of(public)
