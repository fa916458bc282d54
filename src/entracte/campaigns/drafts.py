"""Drafts: campaign files in work, kept on the server under the name of their campaign, for members alone.

A draft may be unfinished and wrong; it is kept as it was written, and says what is wrong with it now. Only publishing
it asks for everything to be right. A draft reserves no name: whether another organization has it is told by publishing.
"""

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Protocol

from entracte.campaigns.document import Document, Finding, Unreadable, decoded, spell
from entracte.campaigns.draft import define, mistakes, read_file
from entracte.campaigns.manage import publish
from entracte.campaigns.model import Campaigns, Definition, Published
from entracte.errors import Kind, LocalError, Problem
from entracte.values import Json, OrganizationNumber

SOURCE = "draft"
"""What stands for the file's name where a place in it is said."""

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LONGEST_NAME = 60
_READ_OTHERWISE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
"""Characters that JSON lets stand and YAML does not, or takes for the end of a line (YAML 1.2.2 section 5.1)."""


@dataclass(frozen=True, slots=True)
class DraftLine:
    """That there is a draft. `revision` counts how often it was saved; `saved_at` is in epoch seconds."""

    organization: OrganizationNumber
    name: str
    revision: int
    saved_at: int


@dataclass(frozen=True, slots=True)
class Draft(DraftLine):
    """A kept draft. `text` is the file: YAML 1.2, of which JSON is a part."""

    text: str = field(repr=False)

    @property
    def mark(self) -> str:
        """Differs whenever the draft does, also from one of the same name that was removed."""
        return f"{self.revision}-{sha256(self.text.encode()).hexdigest()[:16]}"


Expected = Callable[[Draft | None], bool]
"""Whether what is kept now is what the caller has seen; None stands for no draft."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """Something wrong in a draft: the line of its text, and the path of the value, such as `steps[2].title`."""

    line: int
    path: str
    code: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class Examined:
    """A draft that was read: what it says, as far as it can be read, and everything that is wrong."""

    value: Json
    mistakes: tuple[Mistake, ...]


class Drafts(Protocol):
    """What keeps drafts. `save` and `remove` ask `expected` about what is kept, with nobody in between; `save` is None
    and `remove` False where that said no. `expected` may be asked again, so it does nothing but look."""

    async def save(
        self, organization: OrganizationNumber, name: str, text: str, at: int, expected: Expected
    ) -> Draft | None: ...
    async def get(self, organization: OrganizationNumber, name: str) -> Draft | None: ...
    async def remove(self, organization: OrganizationNumber, name: str, expected: Expected) -> bool: ...
    async def of(self, organization: OrganizationNumber) -> list[DraftLine]: ...


class DraftChanged(LocalError):
    """Somebody else was faster: what is kept is not what the caller has seen."""

    def __init__(self) -> None:
        message, hint = "The draft is not the one that you have seen.", "Read it again, and change that."
        super().__init__(Problem(Kind.CONFLICT, "campaign_draft_changed", message, hint))


def anything(kept: Draft | None) -> bool:
    """The caller takes whatever is kept."""
    return True


def text_of(document: Json) -> str:
    """A JSON document as the text of a file, which reads as the same values."""
    text = json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False)
    return _READ_OTHERWISE.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n"


def file_text(raw: str | bytes) -> str:
    """The text of a file that can be kept, right or wrong. Unreadable: `campaign_too_large`, `campaign_not_utf8`,
    `campaign_not_yaml` for a NUL, which no YAML has and no store keeps."""
    text = decoded(raw, SOURCE)
    before, nul, _ = text.partition("\0")
    if nul:
        line = before.count("\n") + 1
        message = "The file has a control character."
        raise Unreadable(line, Problem(Kind.BAD_INPUT, "campaign_not_yaml", message, where=f"{SOURCE}:{line}"))
    return text


async def save(
    drafts: Drafts, organization: OrganizationNumber, name: str, text: str, at: int, expected: Expected = anything
) -> Draft:
    """Keep a draft under the name of its campaign. LocalError `campaign_malformed_name`; Unreadable as `file_text`;
    DraftChanged."""
    if not _is_name(name):
        message = "A campaign's name has lower-case letters, digits and hyphens, such as summer-quiz, at most 60."
        raise LocalError(Problem(Kind.BAD_INPUT, "campaign_malformed_name", message, where="name"))
    kept = await drafts.save(organization, name, file_text(text), at, expected)
    if kept is None:
        raise DraftChanged
    return kept


async def get(drafts: Drafts, organization: OrganizationNumber, name: str) -> Draft:
    """The draft of this name. LocalError `campaign_draft_unknown`: not there, or another organization's."""
    kept = await drafts.get(organization, name) if _is_name(name) else None
    if kept is None:
        raise LocalError(Problem(Kind.NOT_FOUND, "campaign_draft_unknown", f"There is no draft {name}."))
    return kept


async def remove(drafts: Drafts, organization: OrganizationNumber, name: str, expected: Expected = anything) -> None:
    """Remove a draft; what is published stays. LocalError `campaign_draft_unknown`; DraftChanged."""
    await get(drafts, organization, name)
    if not await drafts.remove(organization, name, expected):
        raise DraftChanged


async def examine(draft: Draft, known_connections: Mapping[str, AbstractSet[str]]) -> Examined:
    """What a draft says and what is wrong with it. `known_connections` as in `manage.publish`."""
    # a large file takes a second or two, in which others go on
    return await asyncio.to_thread(_examined, draft, known_connections)


def _examined(draft: Draft, known_connections: Mapping[str, AbstractSet[str]]) -> Examined:
    try:
        document = read_file(draft.text, SOURCE)
    except Unreadable as error:
        problem = error.problem
        return Examined(None, (Mistake(error.line, "", problem.code, problem.message, problem.hint),))
    found = _mistakes(draft, document, known_connections)
    return Examined(document.value, tuple(_mistake(document, finding) for finding in found))


async def publish_draft(
    campaigns: Campaigns, draft: Draft, known_connections: Mapping[str, AbstractSet[str]], at: int
) -> Published:
    """Publish a draft as it was read; it stays as a draft. LocalError: everything that is wrong with it, with nothing
    published, and `campaign_name_taken`."""
    definition = await asyncio.to_thread(_defined, draft, known_connections)
    return await publish(campaigns, draft.organization, definition, known_connections, at)


def _defined(draft: Draft, known_connections: Mapping[str, AbstractSet[str]]) -> Definition:
    document = read_file(draft.text, SOURCE)
    return define(document, _mistakes(draft, document, known_connections))


def _mistakes(draft: Draft, document: Document, known_connections: Mapping[str, AbstractSet[str]]) -> list[Finding]:
    """What the file has, and that it is of another campaign than the draft."""
    found = mistakes(document, known_connections)
    says = document.value.get("campaign") if isinstance(document.value, dict) else None
    if isinstance(says, str) and says != draft.name:
        message = f"This is the draft of `{draft.name}`."
        found.append(Finding(("campaign",), "campaign_other_name", message))
    return found


def _mistake(document: Document, finding: Finding) -> Mistake:
    place = spell(finding.path)
    return Mistake(document.line(finding.path), place, finding.code, finding.message, finding.hint)


def _is_name(name: str) -> bool:
    return len(name) <= _LONGEST_NAME and _NAME.fullmatch(name) is not None
