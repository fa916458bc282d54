"""Every stable problem code of the program, found in its source: where a `Problem` is made, and what it says.

The code of a problem is a text, or it comes from a parameter (then the callers say it) or from a table (then the table
does). One that comes from elsewhere is an error here, so that no code can be raised without being found.
"""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TypeGuard

CODE = re.compile(r"[a-z]+(_[a-z0-9]+)+")
MAKERS = {"Problem": "kind", "Finding": "path"}
"""What makes a problem, and its parameter before the code."""
CODES_OF_OTHERS = {"reason.code", "finding.code"}
"""Codes that another page documents, or that another maker said."""
MARKS = {"mark", "N_"}
"""Functions that give their text back: it is translated where it is shown."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, order=True)
class Said:
    """One place that can raise a code. `kind` is the name of an `errors.Kind`, or, where a page shows the code and no
    problem is made, the HTTP status of that page."""

    code: str
    module: str
    kind: str = ""
    message: str = ""
    hint: str = ""


@dataclass
class _Module:
    name: str
    tree: ast.Module
    tables: dict[str, ast.expr] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for node in self.tree.body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                self.tables[node.targets[0].id] = node.value
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
                self.tables[node.target.id] = node.value
        self.functions = {node.name: node for node in ast.walk(self.tree) if isinstance(node, Function)}


def collect(sources: Path) -> list[Said]:
    """Everything that the modules under a folder can say, sorted and each once."""
    found: set[Said] = set()
    for path in sorted(sources.rglob("*.py")):
        if "migrations" not in path.parts:
            name = path.relative_to(sources).with_suffix("").as_posix()
            found.update(_said(_Module(name, ast.parse(path.read_text(encoding="utf-8")))))
    return sorted(found)


def _said(module: _Module) -> Iterator[Said]:
    for call, around in _calls(module.tree, ()):
        name = _name(call.func)
        if name in MAKERS:
            yield from _made(module, call, around)
        elif name in module.functions and _forwards(module.functions[name]):
            yield from _forwarded(module, call, module.functions[name], around)


def _calls(node: ast.AST, around: tuple[Function, ...]) -> Iterator[tuple[ast.Call, tuple[Function, ...]]]:
    """Every call with the functions around it, the innermost last."""
    if isinstance(node, Function):
        around = (*around, node)
    if isinstance(node, ast.Call):
        yield node, around
    for child in ast.iter_child_nodes(node):
        yield from _calls(child, around)


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _made(module: _Module, call: ast.Call, around: Sequence[Function]) -> Iterator[Said]:
    """A call of a maker: (kind or path, code, message, hint, where)."""
    given = _given(call, ("kind", "code", "message", "hint", "where"))
    kind = _name(given["kind"]) if _name(call.func) == "Problem" else "BAD_INPUT"
    code = given["code"]
    if isinstance(code, ast.Constant):
        message, hint = (_words(module, given.get(part), around) for part in ("message", "hint"))
        yield Said(str(code.value), module.name, kind, message, hint)
    elif ast.unparse(code) not in CODES_OF_OTHERS and not (around and _has_parameter(around[-1], "code", module)):
        yield from _from_tables(module, kind, code, around)


def _has_parameter(function: Function, name: str, module: _Module) -> bool:
    """Whether the callers say it. A function that looks it up in a table of its own knows more than they do."""
    parameters = [argument.arg for argument in (*function.args.args, *function.args.kwonlyargs)]
    return name in parameters and not list(_tables_in(module, function))


def _forwards(function: Function) -> bool:
    return "code" in [argument.arg for argument in function.args.args]


def _forwarded(module: _Module, call: ast.Call, function: Function, around: Sequence[Function]) -> Iterator[Said]:
    """A call of a function with a parameter `code`, where a code is said."""
    parameters = [argument.arg for argument in function.args.args if argument.arg != "self"]
    given = _given(call, parameters)
    code = given.get("code")
    if not isinstance(code, ast.Constant) or list(_tables_in(module, function)):
        return
    says = {name: _words(module, value, around) for name, value in given.items()}
    made = next((inner for inner, _ in _calls(function, ()) if _name(inner.func) in MAKERS), None)
    if made is None:  # a page of the web shows the code, with its title
        yield Said(str(code.value), module.name, says.get("status", ""), says.get("title", ""))
        return
    inner = _given(made, ("kind", "code", "message"))
    kind = _name(given.get("kind", inner["kind"])) if _name(made.func) == "Problem" else "BAD_INPUT"
    yield Said(str(code.value), module.name, kind, _words(module, inner["message"], (), says))


def _given(call: ast.Call, parameters: Sequence[str]) -> dict[str, ast.expr]:
    by_place = dict(zip(parameters, call.args, strict=False))
    return by_place | {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}


def _from_tables(module: _Module, kind: str, code: ast.expr, around: Sequence[Function]) -> Iterator[Said]:
    """The code was looked up in a table, or it can not be followed."""
    found = False
    for function in around:
        for table in _tables_in(module, function):
            found = True
            yield from _rows(module, kind, table)
        for pair in (node for node in ast.walk(function) if isinstance(node, ast.Tuple)):
            yield from _row(module, kind, pair)
    if not found:
        raise LookupError(f"{module.name}: the code {ast.unparse(code)} can not be followed")


def _tables_in(module: _Module, function: Function) -> Iterator[ast.Dict]:
    """The dictionaries of the module that a function looks codes up in."""
    for node in ast.walk(function):
        table = module.tables.get(node.id) if isinstance(node, ast.Name) else None
        if isinstance(table, ast.Dict) and list(_rows(module, "", table)):
            yield table


def _rows(module: _Module, kind: str, table: ast.Dict) -> Iterator[Said]:
    """A table holds codes as keys, with (message, hint), or as the first of each value, with a message."""
    for key, value in zip(table.keys, table.values, strict=True):
        row = module.tables.get(value.id, value) if isinstance(value, ast.Name) else value
        said = list(_row(module, kind, row))
        yield from said
        if not said and _is_code(key) and isinstance(row, ast.Tuple):
            message, hint = (_without_fields(_words(module, item, ())) for item in row.elts[:2])
            yield Said(ast.literal_eval(key), module.name, kind, message, hint)


def _row(module: _Module, kind: str, row: ast.expr) -> Iterator[Said]:
    if isinstance(row, ast.Tuple) and len(row.elts) == 2 and _is_code(row.elts[0]):
        message = _without_fields(_words(module, row.elts[1], ()))
        yield Said(ast.literal_eval(row.elts[0]), module.name, kind, message)


def _is_code(node: ast.expr | None) -> TypeGuard[ast.Constant]:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and bool(CODE.fullmatch(node.value))


def _words(
    module: _Module, node: ast.expr | None, around: Sequence[Function], known: Mapping[str, str] = MappingProxyType({})
) -> str:
    """What an expression says, as far as the source tells: an ellipsis stands for what is known only later. `known`
    are the words of variables."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_part(part, known) for part in node.values)
    if isinstance(node, ast.IfExp):
        both = (_words(module, branch, around, known) for branch in (node.body, node.orelse))
        return " / ".join(filter(None, both))
    if isinstance(node, ast.Call):
        return _words_of_call(module, node, around)
    if isinstance(node, ast.Name):
        return known.get(node.id) or _words_of_name(module, node, around)
    return ""


def _part(part: ast.expr, known: Mapping[str, str]) -> str:
    if isinstance(part, ast.Constant):
        return str(part.value)
    value = part.value if isinstance(part, ast.FormattedValue) else None
    return known.get(value.id, "…") if isinstance(value, ast.Name) else "…"


def _words_of_call(module: _Module, call: ast.Call, around: Sequence[Function]) -> str:
    """`_says("…")`, `message.format(…)`: the words are inside."""
    if isinstance(call.func, ast.Attribute) and call.func.attr == "format":
        return _words(module, call.func.value, around)
    if isinstance(call.func, ast.Name) and call.func.id in {*module.functions, *MARKS} and call.args:
        return _without_fields(_words(module, call.args[0], around))
    return ""


def _words_of_name(module: _Module, name: ast.Name, around: Sequence[Function]) -> str:
    """A variable of the function around, as it was set last; or what a function returns."""
    values: Sequence[ast.expr | None]
    if around:
        values = [value for line, target, value in _set(around[-1]) if target == name.id and line <= name.lineno][-1:]
    else:
        returned = module.functions.get(name.id)
        inside = ast.walk(returned) if returned else ()
        values = [node.value for node in inside if isinstance(node, ast.Return)]
    return " / ".join(filter(None, (_words(module, value, ()) for value in values)))


def _set(function: Function) -> Iterator[tuple[int, str, ast.expr]]:
    """The variables that a function sets: line, name and value."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            target, value = node.targets[0], node.value
            if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
                for one, its in zip(target.elts, value.elts, strict=False):
                    yield node.lineno, _name(one), its
            else:
                yield node.lineno, _name(target), value


def _without_fields(text: str) -> str:
    return re.sub(r"\{\w+\}", "…", text)


def by_code(said: Sequence[Said]) -> Mapping[str, list[Said]]:
    """What was found, by code, in alphabetical order."""
    found: dict[str, list[Said]] = {}
    for one in sorted(said):
        found.setdefault(one.code, []).append(one)
    return found
