"""Presets: each gives a configuration that can be kept, at a server whose metadata has the shape of the provider's.

No provider is asked: a real server on loopback answers for each, with the members that the provider documents.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp import web

from entracte.connections.configuration import configure
from entracte.connections.model import ConnectionConfig
from entracte.connections.presets import Preset, presets, settings_of_preset
from entracte.errors import LocalError
from entracte.fetch import Fetcher, OutboundAllow
from entracte.protocol.errors import Reason, Refused
from entracte.protocol.messages import HttpRequest, HttpResponse

BASIC_AND_POST = ["client_secret_basic", "client_secret_post"]
COMMON: dict[str, Any] = {
    "response_types_supported": ["code", "id_token", "code id_token", "token"],
    "id_token_signing_alg_values_supported": ["RS256"],
    "token_endpoint_auth_methods_supported": BASIC_AND_POST,
    "code_challenge_methods_supported": ["S256"],
}
SHAPES: dict[str, dict[str, Any]] = {
    "akamai": {"response_types_supported": ["code"]},
    "apple": {
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "fragment", "form_post"],
        "token_endpoint_auth_methods_supported": ["client_secret_post"],
        "userinfo_endpoint": None,
        "code_challenge_methods_supported": None,
    },
    "auth0": {
        "response_modes_supported": ["query", "fragment", "form_post"],
        "id_token_signing_alg_values_supported": ["HS256", "RS256", "PS256"],
        "token_endpoint_auth_methods_supported": [*BASIC_AND_POST, "private_key_jwt", "tls_client_auth"],
        "code_challenge_methods_supported": ["S256", "plain"],
    },
    "cognito": {
        "response_types_supported": ["code", "token"],
        "end_session_endpoint": "https://northwind.auth.eu-west-1.amazoncognito.com/logout",
        "code_challenge_methods_supported": None,
    },
    "entra": {
        "response_modes_supported": ["query", "fragment", "form_post"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "request_uri_parameter_supported": False,
        "userinfo_endpoint": "https://graph.microsoft.com/oidc/userinfo",
        "code_challenge_methods_supported": None,
    },
    "entra-external-id": {
        "response_modes_supported": ["query", "fragment", "form_post"],
        "request_uri_parameter_supported": False,
    },
    "franceconnect": {
        "response_types_supported": ["code"],
        "id_token_signing_alg_values_supported": ["ES256", "RS256"],
        "userinfo_signing_alg_values_supported": ["ES256", "RS256"],
        "token_endpoint_auth_methods_supported": ["client_secret_post"],
        "acr_values_supported": ["eidas1"],
        "end_session_endpoint": "https://oidc.franceconnect.gouv.fr/api/v2/session/end",
        "request_parameter_supported": False,
        "code_challenge_methods_supported": None,
    },
    "gigya": {"id_token_signing_alg_values_supported": ["RS256"], "code_challenge_methods_supported": None},
    "google": {"code_challenge_methods_supported": ["plain", "S256"]},
    "itsme": {
        "response_types_supported": ["code"],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS256"],
        "id_token_encryption_alg_values_supported": ["RSA-OAEP", "RSA-OAEP-256"],
        "userinfo_encryption_alg_values_supported": ["RSA-OAEP", "RSA-OAEP-256"],
        "acr_values_supported": ["http://itsme.services/v2/claim/acr_basic"],
    },
    "keycloak": {
        "response_modes_supported": ["query", "fragment", "form_post", "query.jwt", "jwt"],
        "token_endpoint_auth_methods_supported": [*BASIC_AND_POST, "private_key_jwt", "client_secret_jwt"],
        "authorization_response_iss_parameter_supported": True,
        "dpop_signing_alg_values_supported": ["ES256", "PS256"],
    },
    "loginradius": {"token_endpoint_auth_methods_supported": ["none", *BASIC_AND_POST]},
    "okta": {
        "response_modes_supported": ["query", "fragment", "form_post", "okta_post_message"],
        "token_endpoint_auth_methods_supported": [*BASIC_AND_POST, "client_secret_jwt", "private_key_jwt", "none"],
    },
    "okta-org": {"token_endpoint_auth_methods_supported": [*BASIC_AND_POST, "private_key_jwt", "none"]},
    "ping": {"response_modes_supported": ["pi.flow", "query", "fragment", "form_post"]},
    "reachfive": {"id_token_signing_alg_values_supported": ["HS256", "RS256"]},
}
"""What each provider documents of its metadata, beside the endpoints. None: it does not say."""


def document(name: str, issuer: str) -> dict[str, Any]:
    base = issuer.rstrip("/")
    endpoints = {
        "issuer": issuer,
        "authorization_endpoint": f"{base}/authorize",
        "token_endpoint": f"{base}/token",
        "jwks_uri": f"{base}/jwks",
        "userinfo_endpoint": f"{base}/userinfo",
    }
    members = {**endpoints, **COMMON, **SHAPES[name]}
    return {member: value for member, value in members.items() if value is not None}


class Providers:
    """Answers for every provider on one port, and is asked by the real fetcher: only the host is another one."""

    def __init__(self, port: int, fetcher: Fetcher) -> None:
        self._port = port
        self._fetcher = fetcher
        self.documents: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []

    async def __call__(self, request: HttpRequest) -> HttpResponse:
        parts = urlsplit(request.url)
        self.asked.append(request.url)
        return await self._fetcher(replace(request, url=f"http://127.0.0.1:{self._port}/{parts.netloc}{parts.path}"))


@asynccontextmanager
async def serving() -> AsyncIterator[Providers]:
    fetcher = Fetcher(OutboundAllow.parse("127.0.0.1"))
    app, runner = web.Application(), None
    providers: Providers

    async def answer(request: web.Request) -> web.Response:
        found = providers.documents.get(f"https:/{request.path}")
        return web.json_response(found, status=200 if found else 404)

    app.router.add_get("/{tail:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    await fetcher.start()
    providers = Providers(runner.addresses[0][1], fetcher)
    try:
        yield providers
    finally:
        await fetcher.stop()
        await runner.cleanup()


TEAM = {"team_id": "DEF123GHIJ"}


def never(host: str) -> bool:
    return False


def examples(preset: Preset) -> dict[str, str]:
    return {name: parameter.example for name, parameter in preset.parameters.items()}


def needed(preset: Preset) -> dict[str, str]:
    return {name: one.example for name, one in preset.parameters.items() if one.default is None}


async def set_up(name: str, parameters: Mapping[str, str], **given: Any) -> ConnectionConfig:
    """The connection that `connection add --preset` makes."""
    settings = settings_of_preset(name, parameters)
    issuer = given.get("issuer", settings["issuer"])
    async with serving() as providers:
        address = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
        providers.documents[address] = document(name, issuer)
        config = await configure(
            {"name": "one", "title": "One", "client_id": "us", **settings, **given}, providers, never
        )
        assert providers.asked == [address]
    return config


def test_every_provider_that_we_name_has_a_preset() -> None:
    named = {
        "okta", "auth0", "gigya", "entra", "google", "apple", "keycloak", "cognito", "ping", "franceconnect", "itsme",
        "reachfive", "loginradius", "akamai",
    }  # fmt: skip
    assert named <= set(presets()) == set(SHAPES)


@pytest.mark.parametrize("name", SHAPES)
async def test_a_preset_gives_a_configuration(name: str) -> None:
    preset = presets()[name]
    for parameters in (needed(preset), examples(preset)):
        config = await set_up(name, parameters)
        assert config.issuer == settings_of_preset(name, parameters)["issuer"]
        assert config.is_openid
        assert config.id_token_algorithms in (("RS256",), ("ES256",))
        for setting, value in preset.settings.items():
            if isinstance(value, str) and "{" not in value:
                assert getattr(config, setting) == value


@pytest.mark.parametrize("name", SHAPES)
def test_a_preset_says_where_it_is_from(name: str) -> None:
    preset = presets()[name]
    assert preset.notes
    assert any(note.source for note in preset.notes)
    assert all(parameter.description.endswith(".") for parameter in preset.parameters.values())
    assert not preset.checked_live


@pytest.mark.parametrize("name", SHAPES)
def test_every_parameter_fits_its_own_pattern_and_nothing_with_a_trick_in_it(name: str) -> None:
    preset = presets()[name]
    for parameter, value in examples(preset).items():
        settings_of_preset(name, {**examples(preset), parameter: value})
        for trick in (
            f"{value}@evil.example",
            f"{value}/../x",
            f"{value}?a=b",
            f"{value}#a",
            f" {value}",
            f"{value}\n",
        ):
            if parameter == "audience":  # an address, and no part of one
                continue
            with pytest.raises(LocalError) as refused:
                settings_of_preset(name, {**examples(preset), parameter: trick})
            assert refused.value.problem.code == "preset_parameter_malformed"
            assert refused.value.problem.where == f"preset.{parameter}"


def test_what_is_wrong_is_named_at_once() -> None:
    with pytest.raises(LocalError) as refused:
        settings_of_preset("okta", {"server": "a b", "realm": "x"})
    assert [problem.where for problem in refused.value.problems] == ["preset.domain", "preset.server", "preset.realm"]
    with pytest.raises(LocalError, match="preset_unknown"):
        settings_of_preset("nobody", {})


async def test_what_is_given_beside_a_preset_stands() -> None:
    config = await set_up("okta", {"domain": "a.okta.com"}, profile_source="id_token", issuer="https://login.a.example")
    assert config.profile_source.value == "id_token"
    assert config.issuer == "https://login.a.example"


# What is special


async def test_apple_posts_its_answer() -> None:
    config = await set_up("apple", TEAM)
    assert config.mode.value == "form_post"
    assert config.user_in_response
    assert config.authentication.value == "client_secret_post"
    assert config.userinfo_endpoint == ""
    assert set(config.claims) == {"email", "first_name", "last_name"}


async def test_apple_is_told_a_secret_of_our_own_making() -> None:
    config = await set_up("apple", TEAM)
    assert config.made_secret is not None
    assert config.made_secret.model_dump() == {"issuer": "DEF123GHIJ", "audience": "https://appleid.apple.com"}
    assert (await set_up("apple", TEAM, made_secret=None)).made_secret is None
    for team in ("", "def123ghij", "DEF123GHI", "DEF123GHIJK"):
        with pytest.raises(LocalError, match="preset_parameter_malformed"):
            settings_of_preset("apple", {"team_id": team})


def test_entra_is_one_tenant() -> None:
    for tenant in ("common", "organizations", "consumers", "northwind.onmicrosoft.com", "{tenantid}"):
        with pytest.raises(LocalError, match="preset_parameter_malformed"):
            settings_of_preset("entra", {"tenant": tenant})
    with pytest.raises(LocalError, match="preset_parameter_malformed"):
        settings_of_preset("entra-external-id", {"tenant": "northwind"})


async def test_the_issuer_of_several_tenants_is_refused() -> None:
    """OpenID Connect on the Microsoft identity platform: the document for `common` names a template."""
    issuer = "https://login.microsoftonline.com/common/v2.0"
    async with serving() as providers:
        template = "https://login.microsoftonline.com/{tenantid}/v2.0"
        providers.documents[f"{issuer}/.well-known/openid-configuration"] = document("entra", template)
        with pytest.raises(Refused) as refused:
            await configure({"name": "e", "title": "E", "client_id": "us", "issuer": issuer}, providers, never)
    assert refused.value.reason is Reason.METADATA_ISSUER


@pytest.mark.parametrize("name", ["entra", "entra-external-id", "franceconnect"])
async def test_an_address_that_nobody_vouches_for(name: str) -> None:
    config = await set_up(name, examples(presets()[name]))
    assert config.claims["email"].verified is None


async def test_google_is_asked_for_a_domain_only_where_one_is_given() -> None:
    """And then the domain is a lock: the parameter alone would be a wish."""
    config = await set_up("google", {"hosted_domain": "a.example"})
    assert config.extra_parameters == {"hd": "a.example"}
    assert config.required_claims == {"hd": ("a.example",)}
    assert config.another_account_prompt == "select_account"
    config = await set_up("google", {})
    assert config.extra_parameters == {}
    assert config.required_claims == {}


async def test_one_tenant_of_entra_needs_no_claim_beside_its_issuer() -> None:
    config = await set_up("entra", examples(presets()["entra"]))
    assert config.required_claims == {}
    assert examples(presets()["entra"])["tenant"] in config.issuer


async def test_cognito_has_no_standard_sign_out() -> None:
    """Discovery names an address that is none."""
    assert (await set_up("cognito", examples(presets()["cognito"]))).end_session_endpoint == ""


def test_auth0_has_a_slash_at_the_end() -> None:
    assert settings_of_preset("auth0", {"domain": "a.auth0.com"})["issuer"] == "https://a.auth0.com/"


def test_keycloak_before_17_is_below_auth() -> None:
    given = {"host": "login.a.example", "realm": "a"}
    assert settings_of_preset("keycloak", given)["issuer"] == "https://login.a.example/realms/a"
    older = settings_of_preset("keycloak", {**given, "path": "/auth"})
    assert older["issuer"] == "https://login.a.example/auth/realms/a"


async def test_okta_org_can_not_be_read_by_its_access_token() -> None:
    for name in ("okta", "okta-org"):
        assert (await set_up(name, {"domain": "a.okta.com"})).profile_source.value == "userinfo"


async def test_franceconnect_is_strict() -> None:
    config = await set_up("franceconnect", {"algorithm": "ES256"})
    assert config.issuer == "https://oidc.franceconnect.gouv.fr/api/v2"
    assert config.acr_values == ("eidas1",)
    assert config.id_token_algorithms == ("ES256",)
    assert config.signed_userinfo
    assert config.sign_out
    with pytest.raises(LocalError, match="preset_parameter_malformed"):
        settings_of_preset("franceconnect", {"host": "franceconnect.evil.example"})


async def test_itsme_encrypts_to_a_key_of_ours() -> None:
    config = await set_up("itsme", {"service": "NORTHWIND"})
    assert "service:NORTHWIND" in config.scopes
    assert config.authentication.value == "private_key_jwt"
    assert [one.value for one in config.encrypted] == ["id_token", "userinfo"]
    assert config.encryption_algorithm == "RSA-OAEP"
    assert not config.uses_secret


async def test_gigya_is_a_site_in_a_data_center() -> None:
    config = await set_up("gigya", {"data_center": "eu1.gigya.com", "api_key": "3_abcdefghijk"})
    assert config.issuer == "https://fidm.eu1.gigya.com/oidc/op/v1.0/3_abcdefghijk"
    assert config.profile_source.value == "userinfo"


async def test_a_secret_is_never_the_proof_of_a_token() -> None:
    """ReachFive signs with HS256 unless it is told otherwise: RS256 is what we take."""
    assert (await set_up("reachfive", {"domain": "a.reach5.net"})).id_token_algorithms == ("RS256",)
