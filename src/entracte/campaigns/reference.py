"""The campaign file, described: a JSON schema and a page for the documentation, both made from the model."""

import re
from collections.abc import Iterator
from enum import EnumType
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from entracte.campaigns.model import Choice, Definition, Embed, FormField, SignIn
from entracte.campaigns.rules import STEP_MODELS, TEXT_KEYS

_PARTS: dict[str, type[BaseModel]] = {
    "The campaign": Definition,
    "`sign_in`": SignIn,
    "`embed`": Embed,
    **{f"A step of kind `{kind}`": model for kind, model in STEP_MODELS.items()},
    "One of `fields`": FormField,
    "One of `choices`": Choice,
}

_HEAD = """# The campaign file

A campaign is one file in YAML 1.2, encoded in UTF-8, of at most 1 MB. This page is made from the program's own model.

A *text* is either one text for every language, or one text for each language of the campaign:

```yaml
title: Summer Quiz
```

```yaml
title:
  en: Summer Quiz
  fr: Le quiz de l'été
```

The order of the steps: `welcome` (if there is one) first, then the questions, then the `form`, then `thanks`.
Keys of steps, choices and fields are unique where they stand. Aliases and tags of YAML are not used.
"""

_WORDS = {str: "text", bool: "`true` or `false`", int: "whole number"}


def schema() -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of the file's shape. The rules across parts are not in it."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Definition.model_json_schema(mode="validation"),
    }


def reference() -> str:
    """The reference of the file, in Markdown."""
    return _HEAD + "".join(_section(title, model) for title, model in _PARTS.items())


def _section(title: str, model: type[BaseModel]) -> str:
    about = " ".join((model.__doc__ or "").split())
    rows = "\n".join(_row(name, field) for name, field in model.model_fields.items())
    return f"\n## {title}\n\n{about}\n\n| key | value | if left out | meaning |\n|---|---|---|---|\n{rows}\n"


def _row(name: str, field: FieldInfo) -> str:
    value = "text in each language" if name in TEXT_KEYS else _value(field.annotation)
    limits = _limits(field)
    cells = (f"`{name}`", value + (f", {limits}" if limits else ""), _default(field), field.description or "")
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "must be there"
    if field.default is None or field.default in ("", ()):
        return "none"
    shown = str(field.default).lower() if isinstance(field.default, bool) else str(field.default)
    return f"`{shown}`"


def _value(annotation: Any) -> str:
    """What may stand for a key, in words."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _value(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(_value(item) for item in get_args(annotation) if item is not NoneType))
    if origin is Literal:
        return _one_of(get_args(annotation))
    if origin is tuple:
        return f"list of {_plural(get_args(annotation)[0])}"
    return _simple(annotation)


def _simple(annotation: Any) -> str:
    if isinstance(annotation, EnumType):
        return _one_of(tuple(str(item.value) for item in annotation))  # type: ignore[var-annotated]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "mapping, see below"
    return _WORDS.get(annotation, "date, such as `2026-09-30`")


def _plural(annotation: Any) -> str:
    value = _value(annotation)
    return {"text": "texts"}.get(value, "mappings, see below")


def _one_of(words: tuple[str, ...]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _limits(field: FieldInfo) -> str:
    return ", ".join(_limit_words(str(item) for item in field.metadata))


def _limit_words(items: Iterator[str]) -> Iterator[str]:
    words = {"Ge": "at least", "Le": "at most", "MinLen": "at least", "MaxLen": "at most"}
    for item in items:
        match = re.match(r"(Ge|Le|MinLen|MaxLen)\(\w+=(\d+)\)", item)
        if match:
            yield f"{words[match[1]]} {match[2]}"
