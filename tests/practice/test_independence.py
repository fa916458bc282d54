"""The practice provider is a witness: it shares no reading of the protocol with what it is a witness of."""

import ast
from collections.abc import Iterator
from pathlib import Path

import entracte.practice

ALLOWED = ("entracte.values", "entracte.errors", "entracte.listening", "entracte.practice")


def imports_of(source: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(source.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, source
            yield str(node.module)
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def test_it_imports_only_values_and_errors() -> None:
    sources = list(Path(str(entracte.practice.__file__)).parent.glob("*.py"))
    assert len(sources) > 10
    for source in sources:
        ours = [name for name in imports_of(source) if name.partition(".")[0] == "entracte"]
        assert all(name.startswith(ALLOWED) for name in ours), (source, ours)
