"""The options that say how a connection is set up: those that most need by name, every setting by `--setting`, and all
of them in a file."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from entracte.connections.model import ConnectionConfig
from entracte.connections.presets import settings_of_preset
from entracte.connections.profiles import Profile
from entracte.connections.settings import ConnectionSettings
from entracte.connections.sources import ProfileSource
from entracte.errors import Kind, LocalError, Problem
from entracte.protocol.client_auth import ClientAuthentication

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

SHOWN_BESIDE = frozenset({"addresses", "mix_up_defence", "registration", "secrets"})
"""What `connection show` prints beside the settings: a file may have them, and they set nothing."""
_PLAIN = (
    "title", "client_id", "issuer", "authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint",
    "authentication", "access_token_audience", "prefill_opt_ins",
)  # fmt: skip
_REST = ("url", "method", "bearer", "person", "subject")

_OPTIONS = (
    click.option("--title", default="", help="What participants know the login as: “Northwind”."),
    click.option(
        "--client-id", default="", help="Our name at the authorization server, as it was registered there."
    ),
    click.option(
        "--preset", "preset_name", default="", metavar="NAME",
        help="Begin with what is known of a provider: `entracte connection presets` lists them.",
    ),
    click.option(
        "--preset-parameter", "preset_parameters", multiple=True, metavar="NAME=VALUE",
        help="What a preset asks for, such as a tenant or a region.",
    ),
    click.option(
        "--file", "file", type=click.Path(dir_okay=False, path_type=Path), default=None,
        help="A YAML file with any settings, in the form in which `connection show` prints them.",
    ),
    click.option(
        "--setting", "more", multiple=True, metavar="NAME=VALUE",
        help="Any setting by its name. The value is YAML: true, [a, b], {a: b}; @FILE takes it out of a file.",
    ),
    click.option("--issuer", default="", help="Take everything from this issuer's discovery document."),
    click.option("--authorization-endpoint", default="", help="For a server without discovery."),
    click.option("--token-endpoint", default="", help="For a server without discovery: where the code is redeemed."),
    click.option(
        "--jwks-uri", default="", help="For a server without discovery: its public keys; an ID token needs them."
    ),
    click.option("--userinfo-endpoint", default="", help="For a server without discovery: where UserInfo is."),
    click.option(
        "--security-profile", "security_profile",
        type=click.Choice([one.value for one in Profile if one]), default=None,
        help="A profile of FAPI in one word: it fixes every option below it, and none can be set weaker.",
    ),
    click.option(
        "--authentication", type=click.Choice([one.value for one in ClientAuthentication]), default=None,
        help="How we prove ourselves at the token endpoint; Basic, unless discovery says that it takes others alone.",
    ),
    click.option("--scope", "scopes", multiple=True, help="Once per scope; openid, profile and email by default."),
    click.option(
        "--parameter", "parameters", multiple=True, metavar="NAME=VALUE",
        help="An extra parameter of the authorization request.",
    ),
    click.option(
        "--profile", "profile_source", type=click.Choice([one.value for one in ProfileSource]), default=None,
        help="Where the profile of a person comes from.",
    ),
    click.option("--rest-url", default="", help="For --profile rest: the address of the profile API."),
    click.option(
        "--rest-method", type=click.Choice(["GET", "POST"]), default=None,
        help="For --profile rest: the method of the request; GET by default.",
    ),
    click.option(
        "--rest-bearer", type=click.Choice(["header", "form"]), default=None,
        help="For --profile rest: the access token in a header, as by default, or in a posted form.",
    ),
    click.option("--rest-person", default="", help="For --profile rest: dotted path to the person in the answer."),
    click.option(
        "--rest-subject", default="",
        help="For --profile rest: dotted path, from the person, to the subject; `sub` by default.",
    ),
    click.option(
        "--access-token-audience", default="", help="For --profile access_token: the audience that it must have."
    ),
    click.option(
        "--claim", "claims", multiple=True, metavar="ATTRIBUTE=PATH[,PATH…]",
        help="An attribute of the profile and where it is found.",
    ),
    click.option(
        "--verified", multiple=True, metavar="ATTRIBUTE=PATH",
        help="Where the flag stands that vouches for an attribute: email=email_verified.",
    ),
    click.option("--prefill-opt-ins", is_flag=True, help="Opt-ins may come ticked from the profile."),
)  # fmt: skip


def setting_options(command: Decorated) -> Decorated:
    """Every option that says how a connection is set up."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def given_settings(options: Mapping[str, Any], kept: ConnectionConfig | None = None) -> dict[str, Any]:
    """The settings that were given, as the configuration names them: those of a preset give way to the file's, these to
    the options', and these to `--setting`. LocalError names what can not be read."""
    begun = _of_preset(options) | _of_file(options["file"])
    named = _named(options, begun, kept)
    return begun | named | dict(_setting(item) for item in options["more"])


def pair(item: str) -> tuple[str, str]:
    """LocalError `option_malformed` for what is not NAME=VALUE."""
    name, equals, value = item.partition("=")
    if not equals or not name:
        raise LocalError(Problem(Kind.BAD_INPUT, "option_malformed", f"{item!r} is not NAME=VALUE."))
    return name, value


def _of_preset(options: Mapping[str, Any]) -> dict[str, Any]:
    parameters = dict(map(pair, options["preset_parameters"]))
    if not options["preset_name"]:
        if parameters:
            message = "Parameters of a preset were given, and no preset."
            raise LocalError(Problem(Kind.BAD_INPUT, "option_malformed", message, where="--preset-parameter"))
        return {}
    return settings_of_preset(options["preset_name"], parameters)


def _of_file(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    read = _yaml(_text_of(path), "--file")
    if not isinstance(read, dict):
        raise _malformed("--file", "The file has to be a mapping of settings.")
    return {str(name): value for name, value in read.items() if name not in SHOWN_BESIDE}


def _named(options: Mapping[str, Any], begun: Mapping[str, Any], kept: ConnectionConfig | None) -> dict[str, Any]:
    given = {name: options[name] for name in _PLAIN if options[name]}
    if options["scopes"]:
        given["scopes"] = tuple(scope for item in options["scopes"] for scope in item.split())
    if options["parameters"]:
        given["extra_parameters"] = dict(map(pair, options["parameters"]))
    if options["claims"] or options["verified"]:
        given["claims"] = _claims(options["claims"], options["verified"], begun, kept)
    rest = {name: options[f"rest_{name}"] for name in _REST if options[f"rest_{name}"]}
    if rest:
        before = kept.rest.model_dump() if kept and kept.rest else {}
        given["rest"] = before | dict(begun.get("rest") or {}) | rest
    if options["profile_source"]:
        given["profile_source"] = options["profile_source"]
    if options["security_profile"]:
        given["profile"] = options["security_profile"]
    return given


def _claims(
    claims: tuple[str, ...], verified: tuple[str, ...], begun: Mapping[str, Any], kept: ConnectionConfig | None
) -> dict[str, Any]:
    """The claim map that there is, or the default one, with what was given instead."""
    defaults = ConnectionConfig.model_fields["claims"].get_default(call_default_factory=True)
    before = kept.claims if kept else defaults
    rules: dict[str, Any] = {name: rule.model_dump() for name, rule in before.items()}
    rules = dict(begun.get("claims") or rules)
    rules.update({name: {"paths": paths.split(",")} for name, paths in map(pair, claims)})
    for name, path in map(pair, verified):
        rule = rules.get(name)
        rules[name] = {**(rule if isinstance(rule, dict) else {"paths": _paths(rule)}), "verified": path}
    return rules


def _paths(short: Any) -> list[str]:
    """The short forms of a rule: a path, a list of paths, or nothing yet."""
    return [short] if isinstance(short, str) else list(short or ())


def _setting(item: str) -> tuple[str, Any]:
    name, text = pair(item)
    if text.startswith("@"):
        text = _text_of(Path(text[1:]))
    field = ConnectionSettings.model_fields.get(name)
    # a client that is called 7 or yes is still called so
    is_text = not text or (field is not None and field.annotation is str)
    return name, text if is_text else _yaml(text, f"--setting {name}")


def _yaml(text: str, where: str) -> Any:
    try:
        return YAML(typ="safe", pure=True).load(text)
    except YAMLError:
        raise _malformed(where, "This is no YAML.") from None


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise _malformed(str(path), f"The file can not be read: {type(error).__name__}.") from None


def _malformed(where: str, message: str) -> LocalError:
    return LocalError(Problem(Kind.BAD_INPUT, "option_malformed", message, where=where))
