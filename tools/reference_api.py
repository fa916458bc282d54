"""The reference page of the REST API, from its own description."""

from collections.abc import Iterable, Sequence

from entracte.organizations.tokens import Scope
from entracte.web.api.app import document
from entracte.web.pages.api_docs.views import Operation, rooms
from tools import reference_words as words


def api() -> str:
    """Scopes, operations with their scopes and parameters, and what holds for all of them."""
    text = f"# The REST API\n\n{words.MADE}\n{words.API}"
    text += "\n## Scopes\n\n" + _table(
        ("scope", "a program may"), ((f"`{scope}`", words.SCOPES[scope]) for scope in Scope)
    )
    for room in rooms(document("https://play.example.com")):
        text += f"\n## {room.key.capitalize()}\n\n{room.about}\n\n"
        text += _table(("method", "path", "scope", "what it does"), map(_line, room.operations))
    return text


def _line(operation: Operation) -> Sequence[str]:
    path = operation.path.removeprefix("/api/v1")
    asked = [one.name for one in operation.parameters if one.place == "query"]
    more = f" Parameters: {', '.join(f'`{name}`' for name in asked)}." if asked else ""
    scopes = ", ".join(f"`{scope}`" for scope in operation.scopes) or "any"
    return operation.method, f"`{path}`", scopes, " ".join(operation.about.split()) + more


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)
