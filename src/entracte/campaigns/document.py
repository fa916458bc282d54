"""A YAML 1.2 document as plain JSON values, with the line of everything in it.

Only what a campaign file needs: mappings, lists, texts, whole numbers, true and false, nothing. Aliases, tags,
directives and second documents are refused, so that nothing is ever built that the file does not spell out. Built from
parser events in one pass: the limit of depth holds before anything is nested.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn
from unicodedata import category

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.reader import ReaderError

from entracte.errors import Kind, LocalError, Problem
from entracte.values import Json

MAXIMUM_BYTES = 1_000_000
MAXIMUM_DEPTH = 20
MAXIMUM_VALUES = 20_000
"""Mappings, lists and single values: more than any campaign has, and read in a second or two."""

Path = tuple[str | int, ...]
"""From the top of the document to a value: keys, and places in lists from 0."""

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_WHOLE_NUMBER = re.compile(r"[-+]?[0-9]{1,18}")


class Unreadable(LocalError):
    """The file as a whole can not be read; `line` is where that shows."""

    def __init__(self, line: int, problem: Problem) -> None:
        super().__init__(problem)
        self.line = line


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong at a place of the document."""

    path: Path
    code: str
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """What a file says. `refused` are the places whose value could not be read; `findings` say why."""

    source: str
    value: Json
    lines: Mapping[Path, int]
    findings: tuple[Finding, ...] = ()
    refused: frozenset[Path] = frozenset()

    def line(self, path: Path) -> int:
        """The line of a value; a missing key stands on the line of what should have it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def where(self, path: Path) -> str:
        """`quiz.yaml:12: steps[2].choices[0].label`."""
        place = f"{self.source}:{self.line(path)}"
        return f"{place}: {spell(path)}" if path else place

    def problem(self, finding: Finding) -> Problem:
        return Problem(Kind.BAD_INPUT, finding.code, finding.message, finding.hint, self.where(finding.path))


def spell(path: Path) -> str:
    """A path as people write it: `steps[2].label`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def read_document(text: str | bytes, source: str, typed: Callable[[Path], bool]) -> Document:
    """The document. `typed` says at which paths an unquoted `12` or `true` is a number or a truth value; everywhere
    else it is the text that stands there, so that a choice can be labelled 1984.

    Unreadable: `campaign_too_large`, `campaign_not_utf8`, `campaign_not_yaml`. What can be read in spite of a mistake
    is read, and the mistake is a finding."""
    composer = _Composer(source, decoded(text, source), typed)
    value = composer.document()
    return Document(source, value, composer.lines, tuple(composer.findings), frozenset(composer.refused))


def decoded(text: str | bytes, source: str) -> str:
    """The characters of a file. Unreadable: `campaign_too_large`, `campaign_not_utf8`."""
    try:
        raw = text.encode() if isinstance(text, str) else text
    except UnicodeEncodeError:
        _refuse(source, 1, "campaign_not_utf8", "The file has a character that can not be written as UTF-8.")
    if len(raw) > MAXIMUM_BYTES:
        _refuse(source, 1, "campaign_too_large", f"The file is larger than {MAXIMUM_BYTES:,} bytes.")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        _refuse(source, line, "campaign_not_utf8", "The file is not UTF-8.")


def _refuse(source: str, line: int, code: str, message: str) -> NoReturn:
    raise Unreadable(line, Problem(Kind.BAD_INPUT, code, message, where=f"{source}:{line}"))


@dataclass(slots=True)
class _Composer:
    """Builds the value while the events come."""

    source: str
    text: str
    typed: Callable[[Path], bool]
    lines: dict[Path, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    refused: set[Path] = field(default_factory=set)
    values: int = 0
    events: Iterator[Any] = field(default_factory=lambda: iter(()))

    def document(self) -> Json:
        try:
            self.events = iter(YAML(typ="rt", pure=True).parse(self.text))
            return self._document()
        except ReaderError as error:
            line = self.text.count("\n", 0, error.position) + 1
            _refuse(self.source, line, "campaign_not_yaml", "The file has a control character.")
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            message = f"This is not YAML: {error.problem or error.context}."
            _refuse(self.source, mark.line + 1 if mark else 1, "campaign_not_yaml", message)
        except (YAMLError, ValueError):  # the parser raises ValueError for an escape beyond Unicode
            _refuse(self.source, 1, "campaign_not_yaml", "This is not YAML.")

    def _document(self) -> Json:
        value: Json = None
        documents = 0
        for event in self.events:
            if isinstance(event, DocumentStartEvent):
                documents += 1
                self._check_start(event, documents)
            elif isinstance(event, NodeEvent):
                self.lines[()] = event.start_mark.line + 1
                value = self._node(event, ())
        return value

    def _check_start(self, event: DocumentStartEvent, documents: int) -> None:
        line = event.start_mark.line + 1
        if documents > 1:
            _refuse(self.source, line, "campaign_not_yaml", "A file holds one campaign; a second document begins here.")
        if event.tags or (event.version is not None and tuple(event.version) != (1, 2)):
            _refuse(self.source, line, "campaign_not_yaml", "The only directive that can stand here is %YAML 1.2.")

    def _node(self, event: NodeEvent, path: Path) -> Json:
        line = event.start_mark.line + 1
        self.values += 1
        if self.values > MAXIMUM_VALUES:
            _refuse(self.source, line, "campaign_too_large", f"The file has more than {MAXIMUM_VALUES:,} values.")
        if len(path) > MAXIMUM_DEPTH:
            _refuse(self.source, line, "campaign_not_yaml", f"Nothing is nested deeper than {MAXIMUM_DEPTH} here.")
        if isinstance(event, AliasEvent):
            self._refused(path, "campaign_alias", "Aliases (*name) are not used here. Write the value again.")
            return None
        if getattr(event, "ctag", None) is not None:
            self._refused(path, "campaign_tag", "Tags (!name) are not used here.")
        if isinstance(event, MappingStartEvent):
            return self._mapping(path)
        if isinstance(event, SequenceStartEvent):
            return self._list(path)
        return self._scalar(event, path) if isinstance(event, ScalarEvent) else None

    def _mapping(self, path: Path) -> Json:
        value: dict[str, Json] = {}
        while not isinstance(event := next(self.events), MappingEndEvent):
            if not isinstance(event, ScalarEvent):
                self._refused(path, "campaign_key_not_text", "A key is a word, not a list or a mapping.")
                self._skip(event, path)
                continue
            key = _whole(event.value)
            if _has_control_character(key):
                self._refused(path, "campaign_character", "A key has a control character.")
                self._node(next(self.events), (*path, "?"))
                continue
            if key in value:
                first = self.lines[(*path, key)]
                self.findings.append(
                    Finding((*path, key), "campaign_repeated_key", f"`{key}` stands here twice; first on line {first}.")
                )
            self.lines[(*path, key)] = event.start_mark.line + 1
            value[key] = self._node(next(self.events), (*path, key))
        return value

    def _skip(self, event: NodeEvent, path: Path) -> None:
        """Read over a key that is no text, and its value."""
        self._node(event, (*path, "?"))
        self._node(next(self.events), (*path, "?"))

    def _list(self, path: Path) -> Json:
        value: list[Json] = []
        while not isinstance(event := next(self.events), SequenceEndEvent):
            self.lines[(*path, len(value))] = event.start_mark.line + 1
            value.append(self._node(event, (*path, len(value))))
        return value

    def _scalar(self, event: ScalarEvent, path: Path) -> Json:
        text = _whole(event.value)
        if _has_control_character(text):
            self._refused(path, "campaign_character", "The text has a control character.")
            return None
        plain = event.implicit[0]
        if plain and text in _NULLS:
            return None
        return _typed(text) if plain and self.typed(path) else text

    def _refused(self, path: Path, code: str, message: str) -> None:
        self.findings.append(Finding(path, code, message))
        self.refused.add(path)


def _whole(text: str) -> str:
    """A JSON file may write a character as two escapes (RFC 8259 section 7), which YAML reads as two characters."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def _has_control_character(text: str) -> bool:
    return any(category(character) in ("Cc", "Cs") and character not in "\n\t" for character in text)


def _typed(text: str) -> Json:
    """A number or a truth value of the core schema (YAML 1.2.2 section 10.3), or the text."""
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    return int(text) if _WHOLE_NUMBER.fullmatch(text) else text
