"""Writes `docs/reference/` from the program itself: settings, commands, addresses, codes, campaign files, connections.

    .venv/bin/python tools/reference.py            or `make reference`

Two runs write the same. What the program does not say in so many words stands in the tables here; something that is
explained in neither place is an error, so that nothing can be added without a word about it.
"""

import inspect
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import EnumType, StrEnum
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import click
from fastapi.routing import APIRoute
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from starlette.routing import Route

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:  # run as a script, `tools` is not yet a package that can be found
    sys.path.insert(0, str(ROOT))

from entracte.campaigns.draft import reference as campaign_file  # noqa: E402
from entracte.cli import main as command_line  # noqa: E402
from entracte.connections.claim_map import DEFAULT_CLAIMS, ClaimRule  # noqa: E402
from entracte.connections.model import ConnectionConfig  # noqa: E402
from entracte.connections.presets import Preset, presets  # noqa: E402
from entracte.connections.sources import RestSource  # noqa: E402
from entracte.errors import Kind  # noqa: E402
from entracte.measures import COLLECTORS  # noqa: E402
from entracte.organizations.model import Brand  # noqa: E402
from entracte.protocol.errors import Reason  # noqa: E402
from entracte.protocol.seal import encode  # noqa: E402
from entracte.settings import PREFIX, Settings, read_settings  # noqa: E402
from entracte.statistics.reasons import REASONS  # noqa: E402
from entracte.web.api.app import Below  # noqa: E402
from entracte.web.pages.sign_in.views import MISHAPS  # noqa: E402
from entracte.web.problems import STATUS  # noqa: E402
from entracte.web.sentences import ANSWER_SENTENCES, FIELD_SENTENCES  # noqa: E402
from entracte.wiring import Program  # noqa: E402
from tools import reference_words as words  # noqa: E402
from tools.problem_codes import Said, by_code, collect  # noqa: E402
from tools.reference_api import api  # noqa: E402

FOLDER = ROOT / "docs" / "reference"
MEND = "make reference"
"""What brings the pages up to date."""


class Unexplained(LookupError):
    """Something that people can set, call or meet has no word about it."""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(_cell(cell) for cell in line) + " |\n" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


# Settings


def settings() -> str:
    """The variables of the server, and those that single commands read."""
    rows = [
        (_code(PREFIX + name.upper()), _setting_default(name, field), _setting_meaning(name, field))
        for name, field in Settings.model_fields.items()
    ]
    others = [
        (_code(str(option.envvar)), _code(f"entracte {name}"), _code(_flag(option)))
        for name, command in all_commands().items()
        for option in command.params
        if option.envvar and str(option.envvar).removeprefix(PREFIX).lower() not in Settings.model_fields
    ]
    return (
        f"# Settings\n\n{words.MADE}\n{words.SETTINGS}\n"
        + table(("variable", "if left out", "meaning"), rows)
        + "\n## Variables of single commands\n\nThese stand for an option of a command. They have no `_FILE` form.\n\n"
        + table(("variable", "command", "option"), sorted(others))
    )


def _setting_default(name: str, field: FieldInfo) -> str:
    if name in words.MUST_BE_SET:
        return "must be set"
    default = field.default
    return _code(default.get_secret_value() if isinstance(default, SecretStr) else str(default)) or "empty"


def _setting_meaning(name: str, field: FieldInfo) -> str:
    if not field.description:
        raise Unexplained(f"the setting {name} has no description")
    return " ".join(filter(None, (field.description, _limits(field))))


def _limits(field: FieldInfo) -> str:
    least = next((item.ge for item in field.metadata if hasattr(item, "ge")), None)
    most = next((item.le for item in field.metadata if hasattr(item, "le")), None)
    return f"From {least} to {most}." if least is not None and most is not None else ""


# Commands


def commands() -> str:
    """Every command with its arguments and options."""
    found = all_commands()
    return f"# Commands\n\n{words.MADE}\n{words.COMMANDS}" + "".join(_command(*item) for item in found.items())


def all_commands() -> dict[str, click.Command]:
    """The commands that do something, by their words, in alphabetical order."""
    return dict(_commands(command_line, ()))


def _commands(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        yield " ".join(path), command
        return
    for name, inner in sorted(command.commands.items()):
        yield from _commands(inner, (*path, name))


def _command(name: str, command: click.Command) -> str:
    if not command.help:
        raise Unexplained(f"the command {name} has no help")
    usage = " ".join(command.collect_usage_pieces(click.Context(command)))
    about = " ".join(inspect.cleandoc(command.help).split())
    options = [_option(name, option) for option in command.params if isinstance(option, click.Option)]
    text = f"\n## `{name}`\n\n{about}\n\n```\nentracte {name} {usage}\n```\n"
    return text + ("\n" + table(("option", "value", "if left out", "meaning"), options) if options else "")


def _flag(parameter: click.Parameter) -> str:
    return max(parameter.opts, key=len)


def _option(name: str, option: click.Option) -> tuple[str, ...]:
    meaning = option.help
    if not meaning:
        raise Unexplained(f"the option {_flag(option)} of {name} has no help")
    again = " May be given several times." if option.multiple else ""
    variable = f" Also {_code(str(option.envvar))}." if option.envvar else ""
    return _code(_flag(option)), _option_value(option), _option_default(option), meaning + again + variable


def _option_value(option: click.Option) -> str:
    if option.is_flag:
        return "no value"
    if isinstance(option.type, click.Choice):
        return ", ".join(_code(str(choice)) for choice in option.type.choices)
    if isinstance(option.type, click.IntRange):
        return f"{option.type.min} to {option.type.max}"
    return option.metavar or ("path" if isinstance(option.type, click.Path) else "text")


def _option_default(option: click.Option) -> str:
    if option.required:
        return "must be there"
    if option.is_flag or not isinstance(option.default, str | int) or option.default == "":
        return ""
    return _code(str(option.default))


# Addresses


def routes() -> str:
    """The table of routes of the running program."""
    groups: dict[str, list[tuple[str, ...]]] = {name: [] for name in words.ROUTES}
    for path, methods, purpose in sorted(_routes()):
        groups[_group(path)].append((methods, _code(path), purpose))
    text = f"# Addresses\n\n{words.MADE}\nWhatever is not here is answered with 404, another method with 405.\n"
    for name, (title, about) in words.ROUTES.items():
        text += f"\n## {title}\n\n{about}\n\n" + table(("method", "path", "purpose"), groups[name])
    return text


def _routes() -> Iterator[tuple[str, str, str]]:
    for route in _program().app.routes:
        for one in route.app.routes if isinstance(route, Below) else [route]:
            if not isinstance(one, Route | APIRoute):
                raise Unexplained(f"{one} is not a route that can be described")
            if not _described_elsewhere(one):
                yield one.path, ", ".join(sorted(set(one.methods or ()) - {"HEAD"})), _purpose(one)


def _described_elsewhere(route: Route | APIRoute) -> bool:
    """Whether it is an operation of the REST API, which has a page of its own."""
    return isinstance(route, APIRoute) and route.include_in_schema


_GROUPS = (
    (r"/c/\{campaign\}/in(/|$)", "frame"),
    (r"/c/", "take-part"),
    (r"/oauth/", "oauth"),
    (r"/(manage(/|$)|$)", "manager"),
    (r"/assets/|/embed\.js$", "assets"),
    (r"/api/", "api"),
    (r"/(healthz|readyz|metrics)$", "operations"),
)


def _group(path: str) -> str:
    """The group of an address, by its beginning."""
    for pattern, name in _GROUPS:
        if re.match(pattern, path):
            return name
    raise Unexplained(f"the address {path} belongs to no group")


def _program() -> Program:
    """A program that is never started: its store is in memory and its key is nobody's."""
    return Program(
        read_settings(
            database_url="sqlite://",
            secret_keys=f"1:{encode(bytes(32))}",
            public_url="https://play.example.com",
            oauth_url="",
            outbound_allow="",
            outbound_ca_file="",
        )
    )


def _purpose(route: Route | APIRoute) -> str:
    """The first line of the handler's docstring. The manager's handlers are wrapped: theirs is inside."""
    handler: Callable[..., Any] | None = route.endpoint
    while handler is not None and not handler.__doc__:
        inside = {**inspect.getclosurevars(handler).nonlocals}
        handler = inside.get("handler") or inside.get("at_work")
    if handler is None or not handler.__doc__:
        raise Unexplained(f"the handler of {route.path} has no docstring")
    return inspect.cleandoc(handler.__doc__).split("\n\n")[0]


# Codes


def reason_codes() -> str:
    """Why a sign-in was refused, for those who mend it, and as participants and marketers meet it."""
    rows = [
        (_code(reason.code), words.FAULTS[reason.fault], reason.meaning, MISHAPS[reason].title, REASONS[reason])
        for reason in Reason
    ]
    head = ("code", "where it lies", "meaning", "the participant reads", "the manager reads")
    return f"# Reason codes\n\n{words.MADE}\n{words.REASONS}\n" + table(head, rows)


def problem_codes() -> str:
    """The codes that commands print in brackets and that the web shows and logs."""
    rows: dict[str, list[tuple[str, ...]]] = {title: [] for title in words.PROBLEMS_BY_ROOM.values()}
    for code, said in by_code(collect(ROOT / "src" / "entracte")).items():
        room = said[0].module.partition("/")[0]
        rows[words.PROBLEMS_BY_ROOM[room]].append((_code(code), _status(said[0]), _says(code, said)))
    text = f"# Problem codes\n\n{words.MADE}\n{words.PROBLEMS}"
    for title, lines in rows.items():
        if lines:
            text += f"\n## {title}\n\n" + table(("code", "status", "what it says"), lines)
    for title, sentences in (("Fields of a form", FIELD_SENTENCES), ("Answers to a question", ANSWER_SENTENCES)):
        text += f"\n## {title}\n\nWhat participants read beside what they typed. The page has status 422.\n\n"
        text += table(("code", "sentence"), [(_code(code), said) for code, said in sorted(sentences.items())])
    return text


def _status(said: Said) -> str:
    return said.kind if said.kind.isdigit() else str(STATUS[Kind[said.kind]])


def _says(code: str, said: Sequence[Said]) -> str:
    texts = dict.fromkeys(f"{one.message} {one.hint}".strip() for one in said)
    says = " — ".join(filter(None, texts)) or words.SAID_LATER.get(code, "")
    if not says:
        raise Unexplained(f"what {code} says can not be found")
    return says


# Connections


_OPTION_OF = {
    "name": "NAME",
    "scopes": "--scope",
    "extra_parameters": "--parameter",
    "profile": "--security-profile",
    "profile_source": "--profile",
    "claims": "--claim",
    "rest": "--rest-url",
}
"""Options of `connection add` that have another name than their setting. Any other setting is given by --setting."""


def connection() -> str:
    """What a connection is made of, and the claim map that it has by default."""
    claims = [
        (_code(name), " then ".join(_code(path) for path in rule.paths), _code(rule.verified or ""))
        for name, rule in DEFAULT_CLAIMS.items()
    ]
    return (
        f"# Connections\n\n{words.MADE}\n{words.CONNECTION}"
        + _model("The connection", ConnectionConfig, _option_of)
        + _model("The REST source", RestSource, lambda name: f"--rest-{name}")
        + f"\n## The claim map\n\n{words.CLAIMS}\n"
        + table(("key", "value", "if left out", "meaning"), _rows(ClaimRule))
        + "\n### The claim map by default\n\nThe standard claims of OpenID Connect Core section 5.1, under the names "
        "that campaigns use.\n\n" + table(("attribute", "paths", "vouched for by"), claims)
    )


def _option_of(name: str) -> str:
    return _OPTION_OF.get(name, f"--{name.replace('_', '-')}")


def _model(title: str, model: type[BaseModel], option_of: Callable[[str], str]) -> str:
    options = {flag for option in all_commands()["connection add"].params for flag in option.opts} | {"NAME"}
    rows = []
    for row in _rows(model):
        name = row[0].strip("`")
        option = option_of(name)
        rows.append((*row[:3], _code(option if option in options else f"--setting {name}=…"), row[3]))
    about = " ".join((model.__doc__ or "").split())
    return f"\n## {title}\n\n{about}\n\n" + table(("key", "value", "if left out", "option", "meaning"), rows)


def presets_page() -> str:
    """Every preset: what it asks for, what it sets, and what is special about the provider."""
    listed = [
        (f"[`{one.name}`](#{one.name})", one.title, _code(one.issuer), "yes" if one.checked_live else "no")
        for one in presets().values()
    ]
    text = f"# Presets\n\n{words.MADE}\n{words.PRESETS}\n"
    text += table(("preset", "provider", "issuer", "checked against a live server"), listed)
    return text + "".join(_preset(one) for one in presets().values())


def _preset(preset: Preset) -> str:
    asks = [
        (_code(name), one.description, _code(one.example), _left_out(one.default))
        for name, one in preset.parameters.items()
    ]
    sets = [(_code(name), _code(json.dumps(value, ensure_ascii=False))) for name, value in preset.settings.items()]
    text = f"\n## {preset.name}\n\n{preset.title}. Issuer: {_code(preset.issuer)}\n"
    if asks:
        text += "\n" + table(("parameter", "meaning", "for example", "if left out"), asks)
    if sets:
        text += "\n" + table(("setting", "value"), sets)
    notes = (f"- {note.text}" + (f" (*{note.source}*)" if note.source else "") + "\n" for note in preset.notes)
    return text + "\n" + "".join(notes)


def _left_out(default: str | None) -> str:
    return "must be there" if default is None else _code(default) or "nothing"


def _rows(model: type[BaseModel]) -> list[tuple[str, str, str, str]]:
    return [
        (_code(name), value_in_words(field.annotation), _default(field), _meaning(model, name, field))
        for name, field in model.model_fields.items()
    ]


def _meaning(model: type[BaseModel], name: str, field: FieldInfo) -> str:
    meaning = field.description
    if not meaning:
        raise Unexplained(f"{model.__name__}.{name} has no description")
    return meaning


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined and field.default_factory is None:
        return "must be there"
    if field.default_factory is not None:
        return "see below" if field.get_default(call_default_factory=True) else "none"
    default = field.default
    if default is None or default in ("", ()):
        return "none"
    items = default if isinstance(default, tuple) else (default,)
    return ", ".join(_code(_word(item)) for item in items)


def _word(value: object) -> str:
    if isinstance(value, StrEnum):
        return value.value
    return str(value).lower() if isinstance(value, bool) else str(value)


_SIMPLE = {str: "text", bool: "`true` or `false`", int: "whole number"}


def value_in_words(annotation: Any) -> str:
    """What may stand for a field."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return value_in_words(parts[0])
    if origin in (Union, UnionType):
        return " or ".join(value_in_words(part) for part in parts if part is not NoneType)
    if origin is Literal:
        return ", ".join(_code(part) if part else "nothing" for part in parts)
    if origin is tuple:
        return f"list of {value_in_words(parts[0])}s"
    if origin is dict:
        return "mapping"
    return _enum(annotation) if isinstance(annotation, EnumType) else _SIMPLE.get(annotation, "see below")


def _enum(annotation: EnumType) -> str:
    return ", ".join(_code(str(item.value)) for item in annotation)  # type: ignore[var-annotated]


# Numbers


def metrics() -> str:
    """What `/metrics` has."""
    rows = [
        (_code(collector._name + (_TOTAL if collector._type == "counter" else "")), collector._type,
         ", ".join(map(_code, collector._labelnames)), collector._documentation)
        for collector in COLLECTORS
    ]  # fmt: skip
    return f"# Numbers\n\n{words.MADE}\n{words.METRICS}\n" + table(("name", "type", "labels", "meaning"), rows)


_TOTAL = "_total"


# Brands


def brand() -> str:
    """The settings of a brand file."""
    rows = _rows(Brand)
    return f"# The brand file\n\n{words.MADE}\n{words.BRAND}\n" + table(
        ("key", "value", "if left out", "meaning"), rows
    )


PAGES: Mapping[str, Callable[[], str]] = {
    "api.md": api,
    "brand.md": brand,
    "campaign-file.md": campaign_file,
    "commands.md": commands,
    "connection.md": connection,
    "metrics.md": metrics,
    "presets.md": presets_page,
    "problem-codes.md": problem_codes,
    "reason-codes.md": reason_codes,
    "routes.md": routes,
    "settings.md": settings,
}
"""The pages of `docs/reference/`, each made anew by its function."""


CODES = ROOT / "src" / "entracte" / "web" / "pages" / "api_docs" / "problem_codes.json"
"""What the program itself shows of a problem's code."""


def codes_for_the_program() -> str:
    """Every code with its status and what is said with it."""
    found = by_code(collect(ROOT / "src" / "entracte"))
    shown = {
        code: {"status": int(_status(said[0])), "says": _says(code, said).split(" — ")} for code, said in found.items()
    }
    # an authorization server that did not answer as it should
    shown |= {reason.code: {"status": STATUS[Kind.REMOTE], "says": [reason.meaning]} for reason in Reason}
    return json.dumps(shown, indent=1, ensure_ascii=False) + "\n"


def made() -> Iterator[tuple[Path, str]]:
    """Every file that is made here, with its text."""
    yield from ((FOLDER / name, make()) for name, make in PAGES.items())
    yield CODES, codes_for_the_program()


def write() -> None:
    """Write every page, and say which ones changed."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path, text in made():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    write()
