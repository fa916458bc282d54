"""Settings from the environment, prefix `ENTRACTE_`. Every one can also be read from a file named by the same
variable with `_FILE` behind it (for secrets that are mounted)."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from entracte.errors import Kind, LocalError, Problem
from entracte.protocol.metadata import check_endpoint
from entracte.protocol.seal import SealKeys, decode

PREFIX = "ENTRACTE_"
_USUAL_PORTS = {"https": 443, "http": 80}


class Settings(BaseSettings):
    """What an operator sets."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    database_url: SecretStr = Field(
        SecretStr("sqlite:///entracte.sqlite3"),
        description="Where everything is kept: `sqlite:///path` or `postgresql://user:password@host/name`.",
    )
    public_url: str = Field(
        "http://localhost:8000", description="The address at which browsers reach campaigns and the manager."
    )
    oauth_url: str = Field(
        "",
        description="The address of the OAuth service; its `/oauth/callback` is the redirect URI. "
        "Empty: the public address.",
    )
    secret_keys: SecretStr = Field(
        SecretStr(""),
        description="The server's keys, newest first: `number:base64url`, separated by commas; each at least 32 bytes. "
        "Make one with `entracte keys new`.",
    )
    outbound_allow: str = Field(
        "",
        description="Networks (CIDR), addresses and host names that the outbound guard lets through, separated by "
        "commas.",
    )
    outbound_ca_file: str = Field("", description="A file of certificates that are trusted beside the system's own.")
    host: str = Field("127.0.0.1", description="The address to listen on; `::` takes IPv4, too.")
    port: int = Field(8000, ge=0, le=65535, description="The port to listen on; 0 takes a free one.")
    trusted_proxies: str = Field(
        "",
        description="Addresses and networks of the proxies in front, separated by commas. Only from them is "
        "`X-Forwarded-For` believed. An IPv4 proxy is named by its IPv4 address, also where we listen on `::`.",
    )
    metrics_token: SecretStr = Field(
        SecretStr(""),
        description="What Prometheus has to show at `/metrics`, as `Authorization: Bearer …`. Empty: everybody who "
        "reaches the address sees the numbers.",
    )
    log_format: str = Field("text", pattern="^(text|json)$", description="`text` for people, `json` for machines.")
    api_requests_per_minute: int = Field(
        600,
        ge=1,
        le=1_000_000,
        description="Requests to the REST API that one token may make in a minute, at one process.",
    )
    sign_ins_per_minute_per_address: int = Field(
        300,
        ge=1,
        le=1_000_000,
        description="Sign-ins that may begin, come back or be ended from one public address in a minute, at one "
        "process; each step of a sign-in has a count of its own. Behind a proxy, name it in "
        "`ENTRACTE_TRUSTED_PROXIES`: else addresses are not counted. What servers ask or tell us (a request, a logout) "
        "counts for their address when it is refused, and only then.",
    )
    sign_ins_per_minute_per_organization: int = Field(
        60_000,
        ge=1,
        le=10_000_000,
        description="The same for one organization, from whichever addresses.",
    )
    sign_ins_per_minute_per_server: int = Field(
        300_000,
        ge=1,
        le=100_000_000,
        description="The same at one authorization server (the origin of the issuer; of the token endpoint where there "
        "is none), for all organizations together. What the limit of an organization refuses is not counted here: with "
        "several times that limit, none of them can shut out the others.",
    )
    sign_in_maximum_age: int = Field(
        600, ge=60, le=600, description="Seconds that a sign-in may take from the redirect to the return."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings, env_settings, _NamedFiles(settings_cls))

    @field_validator("public_url", "oauth_url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        """As browsers say it in `Origin` (HTML, section 7.1.1): a post is ours when they say this address."""
        if not value:
            return value
        parts = urlsplit(check_endpoint(value.rstrip("/"), insecure_allowed=True))
        if parts.path or parts.query or not parts.hostname:
            raise ValueError("an address here is scheme, host and port alone, such as https://play.example.com")
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        port = "" if parts.port in (None, _USUAL_PORTS[parts.scheme]) else f":{parts.port}"
        return f"{parts.scheme}://{host}{port}"

    @model_validator(mode="after")
    def _keys_open(self) -> "Settings":
        self.seal_keys()
        return self

    @property
    def oauth_address(self) -> str:
        """The address of the OAuth service."""
        return self.oauth_url or self.public_url

    @property
    def redirect_uri(self) -> str:
        """The one fixed redirect URI of this installation."""
        return f"{self.oauth_address}/oauth/callback"

    @property
    def secure(self) -> bool:
        """Whether browsers reach us by TLS, so that cookies can say so."""
        return self.public_url.startswith("https://")

    def seal_keys(self) -> SealKeys:
        """The keys that seal states, cookies and client secrets. ValueError says what is wrong with the setting."""
        items = [item.strip() for item in self.secret_keys.get_secret_value().split(",") if item.strip()]
        if not items:
            raise ValueError("ENTRACTE_SECRET_KEYS is not set. Make a key with `entracte keys new`.")
        numbered = [_numbered_key(item, place) for place, item in enumerate(items, start=1)]
        if len({number for number, _ in numbered}) < len(numbered):
            raise ValueError("ENTRACTE_SECRET_KEYS has the same number twice.")
        return SealKeys(newest=numbered[0][0], by_number=dict(numbered))


class _NamedFiles(EnvSettingsSource):
    """Values from files that `ENTRACTE_…_FILE` names."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        path = self.env_vars.get(f"{PREFIX}{field_name}_file".lower())
        if not path:
            return None, field_name, False
        try:
            return Path(path).read_text(encoding="utf-8").strip(), field_name, False
        except OSError as error:
            name = f"{PREFIX}{field_name.upper()}_FILE"
            raise LocalError(
                Problem(
                    Kind.BAD_INPUT,
                    "setting_file_unreadable",
                    f"The file can not be read: {error.strerror}.",
                    where=name,
                )
            ) from None


def _numbered_key(item: str, place: int) -> tuple[int, bytes]:
    number, colon, text = item.partition(":")
    if not colon or not number.isascii() or not number.isdigit() or int(number) > 255:
        raise ValueError(f"Key {place} of ENTRACTE_SECRET_KEYS is not `number:base64url` with a number from 0 to 255.")
    try:
        key = decode(text.rstrip("="))
    except LocalError:
        raise ValueError(f"Key {place} of ENTRACTE_SECRET_KEYS is not base64url.") from None
    if len(key) < 32:
        raise ValueError(f"Key {place} of ENTRACTE_SECRET_KEYS is shorter than 32 bytes.")
    return int(number), key


def read_settings(**given: object) -> Settings:
    """The settings of this process. LocalError names every setting that is wrong, and never shows its value."""
    try:
        return Settings(**given)  # type: ignore[arg-type]
    except SettingsError as error:
        if isinstance(error.__cause__, LocalError):  # a named file that can not be read
            raise error.__cause__ from None
        raise
    except ValidationError as error:
        problems = [
            Problem(
                Kind.BAD_INPUT,
                "setting_malformed",
                str(item["msg"]).removeprefix("Value error, "),
                where=PREFIX + "_".join(str(part) for part in item["loc"]).upper() if item["loc"] else "",
            )
            for item in error.errors(include_input=False, include_url=False)
        ]
        raise LocalError(*problems) from None
