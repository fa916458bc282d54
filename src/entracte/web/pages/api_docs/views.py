"""What the page about the API shows, read from the API's own description (OpenAPI 3.1)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from entracte.web.manage_layout.rendering import Frame, render

Schema = Mapping[str, Any]
_METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter, or a value of a body or an answer."""

    name: str
    type: str
    required: bool
    about: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class Operation:
    """One method at one path. `scopes` are those that the token needs."""

    key: str
    method: str
    path: str
    about: str
    scopes: tuple[str, ...]
    parameters: tuple[Field, ...]
    body: tuple[Field, ...]
    body_about: str
    answer: tuple[Field, ...]
    status: str
    example: str


@dataclass(frozen=True, slots=True)
class Room:
    """The operations of one resource."""

    key: str
    about: str
    operations: tuple[Operation, ...]


def rooms(document: Schema) -> tuple[Room, ...]:
    """Every operation, in the order of the description's tags."""
    return tuple(
        Room(tag["name"], tag["description"], tuple(_operations(document, tag["name"]))) for tag in document["tags"]
    )


def _operations(document: Schema, tag: str) -> Iterator[Operation]:
    for path, of_path in document["paths"].items():
        for method in _METHODS:
            if tag in of_path.get(method, {}).get("tags", ()):
                yield _operation(document, path, method, of_path[method])


def _operation(document: Schema, path: str, method: str, given: Schema) -> Operation:
    status, answer = next((code, said) for code, said in given["responses"].items() if code.startswith("2"))
    body = given.get("requestBody", {})
    scopes = tuple(scope for needed in given.get("security", ()) for of in needed.values() for scope in of)
    server = document["servers"][0]["url"]
    return Operation(
        key=given["operationId"],
        method=method.upper(),
        path=path,
        about=given.get("description", ""),
        scopes=scopes,
        parameters=tuple(_parameter(document, one) for one in given.get("parameters", ()) if one["in"] != "header"),
        body=tuple(_fields(document, _content(body))),
        body_about=body.get("description", ""),
        answer=tuple(_fields(document, _content(answer))),
        status=status,
        example=_example(method, f"{server}{path}", body),
    )


def _example(method: str, address: str, body: Schema) -> str:
    """A command that can be pasted, with the names that are to be filled in."""
    lines = [f"curl --request {method.upper()} '{address}'", "  --header 'Authorization: Bearer entracte_…'"]
    if body:
        media_type = next(iter(body["content"]))
        lines += [f"  --header 'Content-Type: {media_type}'", "  --data-binary @FILE"]
    return " \\\n".join(lines)


def _parameter(document: Schema, given: Schema) -> Field:
    schema = given["schema"]
    about = given.get("description", schema.get("description", ""))
    return Field(given["name"], _type(document, schema), given.get("required", False), about, given["in"])


def _content(given: Schema) -> Schema:
    """The schema of a body or an answer, where it is JSON."""
    schema: Schema = given.get("content", {}).get("application/json", {}).get("schema", {})
    return schema


def _fields(document: Schema, schema: Schema, prefix: str = "", depth: int = 0) -> Iterator[Field]:
    """The values of an object, those of the objects inside it too, three deep."""
    shape = _resolved(document, schema)
    needed = set(shape.get("required", ()))
    for name, inside in shape.get("properties", {}).items():
        inner = _resolved(document, inside)
        path = f"{prefix}{name}"
        about = inside.get("description", inner.get("description", "") if "properties" not in inner else "")
        yield Field(path, _type(document, inside), name in needed, about)
        if depth < 2:
            yield from _fields(document, _items(document, inner), f"{path}{_list_mark(inner)}.", depth + 1)


def _items(document: Schema, schema: Schema) -> Schema:
    return _resolved(document, schema["items"]) if "items" in schema else schema


def _list_mark(schema: Schema) -> str:
    return "[]" if "items" in schema else ""


def _resolved(document: Schema, schema: Schema) -> Schema:
    """The schema behind a reference, or the one that is not null."""
    if "$ref" in schema:
        found: Schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return _resolved(document, found)
    chosen = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    return _resolved(document, chosen[0]) if len(chosen) == 1 else schema


def _type(document: Schema, schema: Schema) -> str:
    """In a few words: `text`, `list of text`, one of the words that it can be, `or null`."""
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_type(document, one) for one in schema["anyOf"]))
    shape = _resolved(document, schema)
    if "enum" in shape or "const" in shape:
        return " · ".join(str(value) for value in shape.get("enum", [shape.get("const")]))
    if shape.get("type") == "array":
        return f"list of {_type(document, shape.get('items', {}))}"
    return _TYPES.get(str(shape.get("format", "")), _TYPES.get(str(shape.get("type", "")), "any value"))


_TYPES: Mapping[str, str] = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "object": "object",
    "null": "null",
    "date-time": "moment",
    "date": "day",
    "uuid": "UUID",
    "password": "text, never shown",
}


def code_marked(text: str) -> tuple[tuple[str, bool], ...]:
    """The pieces of a text, each with whether it stands in backticks."""
    return tuple((piece, bool(place % 2)) for place, piece in enumerate(text.split("`")) if piece)


def render_docs(document: Schema, nonce: str) -> str:
    """The page about the API."""
    frame = Frame(nonce, "en")
    about = document["info"]["description"]
    values = {"title": "The REST API", "about": about, "rooms": rooms(document), "pieces": code_marked}
    return render("pages/api_docs/docs.html", frame, **values)


def render_problem(code: str, status: int, sentences: tuple[str, ...], nonce: str) -> str:
    """The page about one problem code."""
    return render(
        "pages/api_docs/problem.html", Frame(nonce, "en"), title=code, code=code, status=status, sentences=sentences
    )
