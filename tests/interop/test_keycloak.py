"""Keycloak answers as the specifications say, before anything of ours signs in at it: each client of the realm asks for
what it is there for, and refuses who does without."""

import base64
import html
import json
import re
import secrets
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from joserfc import jwe
from joserfc.jwk import ECKey, KeySet, RSAKey
from yarl import URL

from tests.interop.certificates import Certificates, make_certificates
from tests.interop.keycloak import CLIENT_SECRET, Keycloak, keycloak
from tests.interop.node_provider import PASSWORD
from tests.interop.plain_client import CALLBACK, Page, PlainClient, client_server, form_of, payload, returned, signed

pytestmark = pytest.mark.timeout(300)
"""Keycloak takes a while to start where the machine is busy, and the first test waits for it."""

SIGNING_KEY = ECKey.generate_key("P-256", {"kid": "signing", "use": "sig", "alg": "ES256"})
DECRYPTION_KEY = RSAKey.generate_key(2048, {"kid": "decryption", "use": "enc", "alg": "RSA-OAEP-256"})
KEYS = KeySet([SIGNING_KEY, DECRYPTION_KEY])
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def provider(certificates: Certificates) -> Iterator[Keycloak]:
    """It stops, and does so when the block fails, too."""
    with suppress(ZeroDivisionError), keycloak(redirect_uri=CALLBACK, https=certificates) as running:
        yield running
        raise ZeroDivisionError
    with pytest.raises(urllib.error.URLError, match="refused"):
        urllib.request.urlopen(running.plain_url, timeout=5)


@pytest.fixture
async def http(provider: Keycloak, certificates: Certificates) -> AsyncIterator[aiohttp.ClientSession]:
    """Keycloak's cookies are for secure origins, which `localhost` is to a browser."""
    context = ssl.create_default_context(cafile=str(certificates.authority))
    context.load_cert_chain(certificates.client_certificate, certificates.client_key)
    jar = aiohttp.CookieJar(unsafe=True, treat_as_secure_origin=URL(provider.plain_url))
    async with aiohttp.ClientSession(cookie_jar=jar, connector=aiohttp.TCPConnector(ssl=context)) as session:
        yield session


@pytest.fixture
async def metadata(http: aiohttp.ClientSession, provider: Keycloak) -> Mapping[str, Any]:
    """By HTTPS."""
    return await metadata_of(http, provider.metadata_url)


@pytest.fixture
async def plain_metadata(http: aiohttp.ClientSession, provider: Keycloak) -> Mapping[str, Any]:
    """By HTTP: Keycloak's issuer is the address that was asked."""
    return await metadata_of(http, f"{provider.plain_url}/realms/northwind/.well-known/openid-configuration")


async def metadata_of(http: aiohttp.ClientSession, address: str) -> Mapping[str, Any]:
    async with http.get(address) as response:
        found: Mapping[str, Any] = await response.json()
        return found


async def consent(client: PlainClient, page: Page) -> Page:
    """Says yes on the page that asks for it."""
    action, hidden = form_of(page, "accept")
    return await client.visit("POST", action, {**hidden, "accept": "Yes"})


async def log_in(client: PlainClient, page: Page, password: str = PASSWORD) -> Page:
    """What a person does on the login page."""
    action, hidden = form_of(page, "kc-form-login")
    return await client.visit("POST", action, {**hidden, "username": "ana", "password": password})


async def log_in_where_asked(client: PlainClient, url: str) -> Page:
    """Who is known already is not asked."""
    page = await client.visit("GET", url)
    return page if page[0].startswith(CALLBACK) else await log_in(client, page)


async def sign_in(client: PlainClient, **more: str) -> dict[str, str]:
    """The parameters that come back to the client."""
    return returned(await log_in(client, await client.visit("GET", client.authorization_url(**more))))


def message_of(page: Page) -> str:
    """What Keycloak says on its page when it will not go on."""
    found = re.search(r'<p[^>]*class="instruction"[^>]*>(.*?)</p>', page[1], re.DOTALL)
    return html.unescape(found[1].strip()) if found else page[1]


def assertion(audience: str, client_id: str) -> dict[str, str]:
    """RFC 7523, section 2.2."""
    claims = {"iss": client_id, "sub": client_id, "aud": audience, "jti": secrets.token_urlsafe()}
    lasting = {"iat": int(time.time()), "exp": int(time.time()) + 60}
    token = signed({"kid": "signing"}, {**claims, **lasting}, SIGNING_KEY)
    return {"client_id": client_id, "client_assertion_type": ASSERTION, "client_assertion": token}


def proof(address: str, key: ECKey) -> dict[str, str]:
    """RFC 9449, section 4.2, for a POST."""
    header = {"typ": "dpop+jwt", "jwk": key.as_dict(private=False)}
    claims = {"htm": "POST", "htu": address, "iat": int(time.time()), "jti": secrets.token_urlsafe()}
    return {"DPoP": signed(header, claims, key)}


async def test_metadata_names_what_sign_in_needs(provider: Keycloak, metadata: Mapping[str, Any]) -> None:
    assert metadata["issuer"] == provider.issuer
    assert provider.issuer.startswith("https://localhost:")
    assert "S256" in metadata["code_challenge_methods_supported"]
    assert metadata["authorization_response_iss_parameter_supported"] is True
    assert metadata["mtls_endpoint_aliases"]["token_endpoint"].startswith(provider.issuer)
    assert {"query.jwt", "form_post.jwt"} <= set(metadata["response_modes_supported"])


@pytest.mark.parametrize("client_id", ["basic", "consent"])
async def test_code_flow_through_the_pages_to_userinfo(
    http: aiohttp.ClientSession, plain_metadata: Mapping[str, Any], client_id: str
) -> None:
    client = PlainClient(http, plain_metadata, client_id, CLIENT_SECRET)
    asked = client.authorization_url(scope="openid profile email phone address")
    page = await log_in(client, await client.visit("GET", asked))
    if client_id == "consent":
        page = await consent(client, page)
    answer = returned(page)
    assert (answer["state"], answer["iss"]) == ("state of the test", plain_metadata["issuer"])
    status, tokens = await client.redeem(answer["code"])
    assert status == 200, tokens
    claims = payload(tokens["id_token"])
    assert (claims["aud"], claims["nonce"], claims["iss"]) == (client_id, "nonce of the test", plain_metadata["issuer"])
    _, text = await client.userinfo(tokens["access_token"])
    person = json.loads(text)
    assert person["sub"] == claims["sub"]
    assert (person["email"], person["email_verified"], person["given_name"]) == ("ana@example.com", True, "Ana")
    assert (person["phone_number"], person["birthdate"]) == ("+34600123456", "1990-02-28")
    assert person["address"]["locality"] == "Madrid"


async def test_cancel_at_the_consent_is_access_denied(
    http: aiohttp.ClientSession, plain_metadata: Mapping[str, Any]
) -> None:
    client = PlainClient(http, plain_metadata, "consent", CLIENT_SECRET)
    page = await log_in(client, await client.visit("GET", client.authorization_url(prompt="consent")))
    action, hidden = form_of(page, "cancel")
    answer = returned(await client.visit("POST", action, {**hidden, "cancel": "No"}))
    assert (answer["error"], answer["state"]) == ("access_denied", "state of the test")
    assert answer["iss"] == plain_metadata["issuer"]


async def test_wrong_password_stays_on_the_page(http: aiohttp.ClientSession, plain_metadata: Mapping[str, Any]) -> None:
    client = PlainClient(http, plain_metadata, "basic", CLIENT_SECRET)
    page = await log_in(client, await client.visit("GET", client.authorization_url()), password="wrong")
    assert "Invalid username or password." in page[1]


async def test_code_is_redeemed_once_and_with_its_verifier(
    http: aiohttp.ClientSession, plain_metadata: Mapping[str, Any]
) -> None:
    client = PlainClient(http, plain_metadata, "basic", CLIENT_SECRET)
    code = (await sign_in(client))["code"]
    status, answer = await client.redeem(code, {"code_verifier": "x" * 43})
    assert (status, answer["error"]) == (400, "invalid_grant")
    code = returned(await client.visit("GET", client.authorization_url()))["code"]
    assert (await client.redeem(code))[0] == 200
    assert (await client.redeem(code))[0] == 400


async def test_client_without_a_secret_needs_a_code_challenge(
    http: aiohttp.ClientSession, plain_metadata: Mapping[str, Any]
) -> None:
    client = PlainClient(http, plain_metadata, "public")
    refused = returned(await client.visit("GET", client.authorization_url(code_challenge="", code_challenge_method="")))
    assert refused["error"] == "invalid_request"
    status, tokens = await client.redeem((await sign_in(client))["code"], {"client_id": "public"})
    assert (status, payload(tokens["id_token"])["aud"]) == (200, "public")


async def test_client_that_must_push_its_request(
    http: aiohttp.ClientSession, plain_metadata: Mapping[str, Any]
) -> None:
    client = PlainClient(http, plain_metadata, "pushed", CLIENT_SECRET)
    refused = returned(await client.visit("GET", client.authorization_url()))
    assert (refused["error"], refused["iss"]) == ("invalid_request", plain_metadata["issuer"])
    status, pushed = await client.push()
    assert status == 201, pushed
    answer = returned(await log_in(client, await client.visit("GET", client.pushed_url(pushed))))
    assert (await client.redeem(answer["code"]))[0] == 200


async def test_client_that_must_sign_its_request(
    http: aiohttp.ClientSession, plain_metadata: Mapping[str, Any], provider: Keycloak
) -> None:
    client = PlainClient(http, plain_metadata, "request-object", CLIENT_SECRET)
    refused = await client.visit("GET", client.authorization_url())
    assert "Invalid Request" in message_of(refused)
    lasting = {"iss": client.client_id, "aud": plain_metadata["issuer"], "exp": int(time.time()) + 60}
    header = {"kid": "signing", "typ": "oauth-authz-req+jwt"}
    async with client_server(KEYS) as own:
        provider.change_client(client.client_id, attributes={"jwks.url": own.url})
        request = signed(header, {**client.parameters(), **lasting}, SIGNING_KEY)
        answer = await sign_in(client, request=request)
    assert (await client.redeem(answer["code"]))[0] == 200


@pytest.mark.parametrize("audience", ["issuer", "token_endpoint"])
async def test_client_that_signs_to_prove_who_it_is(
    http: aiohttp.ClientSession, plain_metadata: Mapping[str, Any], provider: Keycloak, audience: str
) -> None:
    client = PlainClient(http, plain_metadata, "key-jwt")
    async with client_server(KEYS) as own:
        provider.change_client(client.client_id, attributes={"jwks.url": own.url})
        code = (await sign_in(client))["code"]
        status, tokens = await client.redeem(code, assertion(plain_metadata[audience], client.client_id))
    assert status == 200, tokens


async def test_client_with_a_certificate(
    http: aiohttp.ClientSession, plain_metadata: Mapping[str, Any], metadata: Mapping[str, Any]
) -> None:
    """RFC 8705, section 2.1; its access token is bound to the certificate (section 3.1)."""
    bare = PlainClient(http, plain_metadata, "tls")
    status, answer = await bare.redeem((await sign_in(bare))["code"], {"client_id": "tls"})
    assert (status, answer["error"]) == (401, "invalid_client"), answer
    client = PlainClient(http, metadata, "tls")
    status, tokens = await client.redeem((await sign_in(client))["code"], {"client_id": "tls"})
    assert status == 200, tokens
    assert payload(tokens["access_token"])["cnf"]["x5t#S256"]


async def test_id_token_is_encrypted_for_the_client(
    http: aiohttp.ClientSession, plain_metadata: Mapping[str, Any], provider: Keycloak
) -> None:
    client = PlainClient(http, plain_metadata, "encrypted", CLIENT_SECRET)
    async with client_server(KEYS) as own:
        provider.change_client(client.client_id, attributes={"jwks.url": own.url})
        status, tokens = await client.redeem((await sign_in(client))["code"])
    assert status == 200, tokens
    assert (payload(tokens["id_token"], 0)["alg"], payload(tokens["id_token"], 0)["enc"]) == ("RSA-OAEP-256", "A256GCM")
    nested = jwe.decrypt_compact(tokens["id_token"], DECRYPTION_KEY, algorithms=["RSA-OAEP-256", "A256GCM"])
    assert payload((nested.plaintext or b"").decode())["aud"] == "encrypted"


async def test_access_token_is_bound_to_the_key_of_the_client(
    http: aiohttp.ClientSession, plain_metadata: Mapping[str, Any]
) -> None:
    """RFC 9449, section 5."""
    client = PlainClient(http, plain_metadata, "dpop", CLIENT_SECRET)
    status, answer = await client.redeem((await sign_in(client))["code"])
    assert (status, answer["error"]) == (400, "invalid_request"), answer
    code = returned(await client.visit("GET", client.authorization_url()))["code"]
    key = ECKey.generate_key("P-256")
    status, tokens = await client.redeem(code, headers=proof(plain_metadata["token_endpoint"], key))
    assert (status, tokens["token_type"]) == (200, "DPoP"), tokens
    assert payload(tokens["access_token"])["cnf"]["jkt"] == key.thumbprint()


async def test_authorization_response_is_signed(http: aiohttp.ClientSession, plain_metadata: Mapping[str, Any]) -> None:
    client = PlainClient(http, plain_metadata, "jarm", CLIENT_SECRET)
    answer = await sign_in(client, response_mode="query.jwt")
    assert list(answer) == ["response"]
    said = payload(answer["response"])
    assert payload(answer["response"], 0)["alg"] == "PS256"
    assert (said["iss"], said["aud"], said["state"]) == (plain_metadata["issuer"], "jarm", "state of the test")
    assert (await client.redeem(said["code"]))[0] == 200


async def test_signed_response_names_the_issuer_twice_unless_the_client_says_otherwise(
    http: aiohttp.ClientSession, plain_metadata: Mapping[str, Any]
) -> None:
    """The `iss` of RFC 9207 beside that of JARM makes a JSON object with a name twice (RFC 8259, section 4). The other
    clients that ask for a signed response have `exclude.issuer.from.auth.response`."""
    names = {}
    for client_id in ("basic", "jarm"):
        client = PlainClient(http, plain_metadata, client_id, CLIENT_SECRET)
        answer = returned(await log_in_where_asked(client, client.authorization_url(response_mode="query.jwt")))
        text = base64.urlsafe_b64decode(answer["response"].split(".")[1] + "==")
        names[client_id] = [name for name, _ in json.loads(text, object_pairs_hook=list)]
    assert (names["basic"].count("iss"), names["jarm"].count("iss")) == (2, 1)


async def test_userinfo_is_signed(http: aiohttp.ClientSession, plain_metadata: Mapping[str, Any]) -> None:
    client = PlainClient(http, plain_metadata, "signed-userinfo", CLIENT_SECRET)
    _, tokens = await client.redeem((await sign_in(client))["code"])
    kind, text = await client.userinfo(tokens["access_token"])
    assert (kind, payload(text, 0)["alg"]) == ("application/jwt", "ES256")
    assert (payload(text)["aud"], payload(text)["email"]) == ("signed-userinfo", "ana@example.com")


async def test_access_token_is_a_jwt_for_a_resource(
    http: aiohttp.ClientSession, plain_metadata: Mapping[str, Any]
) -> None:
    """RFC 9068."""
    client = PlainClient(http, plain_metadata, "access-token", CLIENT_SECRET)
    _, tokens = await client.redeem((await sign_in(client))["code"])
    assert payload(tokens["access_token"], 0)["typ"] == "at+jwt"
    claims = payload(tokens["access_token"])
    assert "https://profile.northwind.example" in claims["aud"]
    assert (claims["iss"], claims["email"]) == (plain_metadata["issuer"], "ana@example.com")


@pytest.mark.parametrize("client_id", ["fapi2", "fapi2-message-signing"])
async def test_policy_of_fapi_2_refuses_a_plain_request(
    http: aiohttp.ClientSession, plain_metadata: Mapping[str, Any], client_id: str
) -> None:
    client = PlainClient(http, plain_metadata, client_id)
    page = await client.visit("GET", client.authorization_url())
    assert message_of(page) == "PAR request_uri not included."


async def test_policy_of_fapi_2_lets_a_request_through_that_keeps_to_it(
    http: aiohttp.ClientSession, metadata: Mapping[str, Any], provider: Keycloak
) -> None:
    client = PlainClient(http, metadata, "fapi2")
    key = ECKey.generate_key("P-256")
    async with client_server(KEYS) as own:
        provider.change_client(client.client_id, attributes={"jwks.url": own.url})
        status, pushed = await client.push(**assertion(provider.issuer, "fapi2"))
        assert status == 201, pushed
        page = await log_in(client, await client.visit("GET", client.pushed_url(pushed)))
        answer = returned(await consent(client, page))
        bound = proof(metadata["token_endpoint"], key)
        status, tokens = await client.redeem(answer["code"], assertion(provider.issuer, "fapi2"), headers=bound)
    assert (status, tokens["token_type"]) == (200, "DPoP"), tokens
    assert payload(tokens["id_token"], 0)["alg"] == "PS256"


async def test_logout_at_the_server_tells_the_client(
    http: aiohttp.ClientSession, plain_metadata: Mapping[str, Any], provider: Keycloak
) -> None:
    """OpenID Connect RP-Initiated Logout 1.0, section 2, and Back-Channel Logout 1.0, section 2.4."""
    client = PlainClient(http, plain_metadata, "back-channel", CLIENT_SECRET)
    async with client_server(KEYS) as own:
        provider.change_client(client.client_id, attributes={"backchannel.logout.url": own.url})
        _, tokens = await client.redeem((await sign_in(client))["code"])
        form = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": CALLBACK, "state": "left"}
        answer = returned(await client.visit("POST", plain_metadata["end_session_endpoint"], form))
        [posted] = own.posted
    assert answer == {"state": "left"}
    said = payload(posted["logout_token"])
    assert payload(posted["logout_token"], 0)["typ"] == "logout+jwt"
    assert said["sid"] == payload(tokens["id_token"])["sid"]
    assert "http://schemas.openid.net/event/backchannel-logout" in said["events"]


async def test_logout_by_a_frame_of_the_client(
    http: aiohttp.ClientSession, plain_metadata: Mapping[str, Any], provider: Keycloak
) -> None:
    """OpenID Connect Front-Channel Logout 1.0, section 2."""
    client = PlainClient(http, plain_metadata, "front-channel", CLIENT_SECRET)
    provider.change_client(client.client_id, attributes={"frontchannel.logout.url": "http://localhost:1/left"})
    _, tokens = await client.redeem((await sign_in(client))["code"])
    form = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": CALLBACK}
    page = await client.visit("POST", plain_metadata["end_session_endpoint"], form)
    frame = re.search(r'<iframe src="([^"]+)"', page[1])
    assert frame
    address = urlsplit(html.unescape(frame[1]))
    assert (address.netloc, address.path) == ("localhost:1", "/left")
    told = {"iss": [plain_metadata["issuer"]], "sid": [payload(tokens["id_token"])["sid"]]}
    assert parse_qs(address.query) == told


async def test_new_key_signs_and_the_old_ones_stay(
    http: aiohttp.ClientSession, plain_metadata: Mapping[str, Any], provider: Keycloak
) -> None:
    client = PlainClient(http, plain_metadata, "basic", CLIENT_SECRET)

    async def keys() -> set[str]:
        async with http.get(plain_metadata["jwks_uri"]) as response:
            return {key["kid"] for key in (await response.json())["keys"]}

    before = await keys()
    provider.add_signing_key()
    _, tokens = await client.redeem((await sign_in(client))["code"])
    [new] = await keys() - before
    assert payload(tokens["id_token"], 0)["kid"] == new
    assert before < await keys()
