"""Presets: what is known of a provider, as data. A preset is a file in `known_providers`, and nothing else.

    issuer = "https://{domain}/oauth2/{server}"     a name in braces is a parameter
    [parameters.domain]                             what the customer knows: description, pattern, example, default
    [settings]                                      those of a connection that are special there
    [[notes]]                                       a quirk, and the page of the provider's documentation about it

A setting whose parameter is empty is left out, and so is a list of nothing else. Nothing in a preset is stronger than
what is given beside it.
"""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from entracte.errors import Kind, LocalError, Problem

FOLDER = "known_providers"
_PLACE = re.compile(r"\{([a-z_]+)\}")


class PresetParameter(BaseModel):
    """What the customer knows and a preset asks for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    description: str
    pattern: str = Field(description="A regular expression that the whole value fits.")
    example: str
    default: str | None = Field(None, description="What counts when nothing is given; null: it has to be given.")


class PresetNote(BaseModel):
    """A quirk of a provider. `source` is the title of the page that documents it; empty: nobody's page says so."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: str
    source: str = ""


class Preset(BaseModel):
    """What is known of one provider."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    title: str
    issuer: str = Field(description="The issuer, with the parameters in braces.")
    parameters: dict[str, PresetParameter] = Field(default_factory=dict)
    settings: dict[str, Any] = Field(default_factory=dict)
    notes: tuple[PresetNote, ...] = ()
    checked_live: bool = Field(False, description="Whether it was tried with a live server; else it is from pages.")


@cache
def presets() -> Mapping[str, Preset]:
    """Every preset by its name, in alphabetical order."""
    files = sorted(
        (file for file in resources.files(__package__).joinpath(FOLDER).iterdir() if file.name.endswith(".toml")),
        key=lambda file: file.name,
    )
    found = (_read(file.name.removesuffix(".toml"), file.read_text(encoding="utf-8")) for file in files)
    return {preset.name: preset for preset in found}


def settings_of_preset(name: str, given: Mapping[str, str]) -> dict[str, Any]:
    """The settings of a connection by a preset. LocalError `preset_unknown` and `preset_parameter_malformed`, which
    names every parameter that is wrong, missing or too much."""
    preset = presets().get(name)
    if preset is None:
        hint = f"There are {', '.join(presets())}."
        raise LocalError(Problem(Kind.BAD_INPUT, "preset_unknown", f"There is no preset {name}.", hint, where="preset"))
    wrong = [*_wrong(preset, given)]
    if wrong:
        raise LocalError(*wrong)
    values = {one: given.get(one, parameter.default or "") for one, parameter in preset.parameters.items()}
    settings: dict[str, Any] = _filled({"issuer": preset.issuer, **preset.settings}, values)
    return settings


def _read(name: str, text: str) -> Preset:
    return Preset.model_validate({"name": name, **tomllib.loads(text)})


def _wrong(preset: Preset, given: Mapping[str, str]) -> list[Problem]:
    said = []
    for name, parameter in preset.parameters.items():
        value = given.get(name, parameter.default)
        if value is None:
            said.append((name, f"The preset {preset.name} needs {name}: {parameter.description}"))
        elif name in given and not re.fullmatch(parameter.pattern, value):
            said.append((name, f"This can not be {name}: {parameter.description}"))
    said += [(name, f"The preset {preset.name} has no such parameter.") for name in given.keys() - preset.parameters]
    return [
        Problem(Kind.BAD_INPUT, "preset_parameter_malformed", message, where=f"preset.{name}") for name, message in said
    ]


def _filled(value: Any, values: Mapping[str, str]) -> Any:
    """The same with the parameters filled in. What is nothing but an empty parameter is left out of its list or
    mapping, and so is a list that is empty then."""
    if isinstance(value, str):
        return _PLACE.sub(lambda place: values[place[1]], value)
    if isinstance(value, list):
        return [after for item in value if (after := _filled(item, values)) != "" or item == ""]
    if isinstance(value, dict):
        filled = ((name, item, _filled(item, values)) for name, item in value.items())
        return {name: after for name, before, after in filled if after not in ("", []) or before == after}
    return value
