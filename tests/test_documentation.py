"""The documentation can not lie: made from the program, with links that lead somewhere and commands that exist."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from entracte.cli import main
from entracte.protocol.errors import Reason
from entracte.settings import PREFIX, Settings
from tools import reference
from tools.problem_codes import collect

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
INDEX = DOCS / "README.md"
PAGES = sorted(DOCS.rglob("*.md"))
TEXTS = [ROOT / "README.md", *PAGES]
SHELL = {"console", "sh", "shell", "bash"}

_FENCE = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"")
_ASSIGNMENT = re.compile(r"[A-Z_]+=.*")


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def links(path: Path) -> Iterator[str]:
    """The relative links of a page."""
    # the words of a link may be code; its target never is
    text = _FENCE.sub("", path.read_text(encoding="utf-8"))
    for match in _LINK.finditer(re.sub(r"`[^`\n]*`", "code", text)):
        target = match[1] or match[2]
        if not re.match(r"[a-z]+:", target):
            yield target


def anchors(path: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    text = _FENCE.sub("", path.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands(path: Path) -> Iterator[list[str]]:
    """The words behind `entracte` in the shell blocks of a page: not what it prints, and not what a shell does."""
    for match in _FENCE.finditer(path.read_text(encoding="utf-8")):
        if match[2] in SHELL:
            for line in re.sub(r"\\\n\s*", " ", match[3]).splitlines():
                yield from _words(line, prompt=match[2] == "console")


def _words(line: str, *, prompt: bool) -> Iterator[list[str]]:
    """A console shows commands behind a prompt, and answers without one."""
    command = line.strip()
    if prompt and not command.startswith("$ "):
        return
    words = shlex.split(command.removeprefix("$ "), comments=True)
    while words and _ASSIGNMENT.fullmatch(words[0]):
        words.pop(0)
    if words[:1] == ["entracte"]:
        end = next((place for place, word in enumerate(words) if word in {">", "|", "<", "&&", ";"}), None)
        yield words[1:end]


def check_command(words: list[str]) -> None:
    """Reads a command as the command line does, without running it. Raises click.ClickException."""
    command: click.Command = main
    context = click.Context(main, info_name="entracte")
    while isinstance(command, click.Group):
        if words[:1] in (["--help"], ["--version"]):
            return
        name, found, words = command.resolve_command(context, words)
        assert found is not None
        command, context = found, click.Context(found, info_name=name, parent=context)
    if "--help" not in words:
        parse(command, context, words)


def parse(command: click.Command, context: click.Context, words: list[str]) -> None:
    """The options and arguments, by their names alone: the files that they name are not here."""
    options, arguments, _ = command.make_parser(context).parse_args(list(words))
    if arguments:
        raise click.UsageError(f"too much: {arguments}", context)
    for parameter in command.params:
        value = options.get(str(parameter.name))
        missing = value is None or not isinstance(value, str | bool | list)
        if parameter.required and missing:
            raise click.MissingParameter(ctx=context, param=parameter)
        checked: click.ParamType[object] = parameter.type
        if isinstance(checked, click.Choice | click.IntRange) and isinstance(value, str):
            checked(value, parameter, context)


@pytest.mark.parametrize("name", sorted(reference.PAGES))
def test_a_page_of_the_reference_says_what_the_program_says(name: str) -> None:
    page = reference.FOLDER / name
    written = page.read_text(encoding="utf-8") if page.exists() else ""
    assert written == reference.PAGES[name](), f"docs/reference/{name} is out of date: run `{reference.MEND}`"


def test_the_program_knows_what_it_can_say() -> None:
    written = reference.CODES.read_text(encoding="utf-8")
    assert written == reference.codes_for_the_program(), f"{reference.CODES} is out of date: run `{reference.MEND}`"


def test_the_reference_has_no_page_that_nobody_makes() -> None:
    assert {path.name for path in reference.FOLDER.glob("*.md")} == set(reference.PAGES)


def test_the_reference_is_the_same_each_time() -> None:
    assert [make() for make in reference.PAGES.values()] == [make() for make in reference.PAGES.values()]


def test_every_setting_command_and_code_is_in_the_reference() -> None:
    def has(page: str, words: str) -> bool:
        return words in (reference.FOLDER / page).read_text(encoding="utf-8")

    assert [name for name in Settings.model_fields if not has("settings.md", f"`{PREFIX}{name.upper()}`")] == []
    assert [name for name in reference.all_commands() if not has("commands.md", f"## `{name}`")] == []
    assert [one.code for one in Reason if not has("reason-codes.md", f"| `{one.code}` |")] == []
    codes = {one.code for one in collect(ROOT / "src" / "entracte")}
    assert len(codes) > 80
    assert [code for code in codes if not has("problem-codes.md", f"| `{code}` |")] == []


def test_every_code_that_stands_in_the_source_is_found() -> None:
    """The other way round: every text that looks like the code of a campaign's problem is one that was collected."""
    codes = {one.code for one in collect(ROOT / "src" / "entracte")}
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "src/entracte/campaigns").glob("*.py")]
    written = {code for text in sources for code in re.findall(r'"(campaign_[a-z0-9_]+)"', text)}
    assert written
    assert written - codes == set()


def test_a_code_that_can_not_be_followed_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "room.py").write_text("def fail(kind):\n    raise LocalError(Problem(kind, compute(), 'no'))\n")
    with pytest.raises(LookupError, match="room"):
        collect(tmp_path)


def test_the_codes_of_callers_and_of_tables_are_found(tmp_path: Path) -> None:
    source = (
        "TABLE = {1: ('port_taken', 'Port {port} is taken.')}\n"
        "def refuse(code, message):\n    return LocalError(Problem(Kind.GONE, code, message))\n"
        "def one():\n    raise refuse('is_gone', f'{name} is gone.')\n"
        "def two(number):\n    code, message = TABLE.get(number, ('port_odd', 'Odd.'))\n"
        "    return Problem(Kind.CONFLICT, code, message)\n"
    )
    (tmp_path / "room.py").write_text(source)
    found = {(one.code, one.kind, one.message) for one in collect(tmp_path)}
    assert found == {
        ("is_gone", "GONE", "… is gone."),
        ("port_taken", "CONFLICT", "Port … is taken."),
        ("port_odd", "CONFLICT", "Odd."),
    }


@pytest.mark.parametrize("path", TEXTS, ids=name_of)
def test_links_lead_somewhere(path: Path) -> None:
    broken = []
    for link in links(path):
        target, _, anchor = link.partition("#")
        file = (path.parent / target).resolve() if target else path
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors(file)):
            broken.append(link)
    assert broken == []


def test_every_page_is_reached_from_the_index() -> None:
    reached, waiting = set(), [INDEX]
    while waiting:
        page = waiting.pop()
        if page not in reached:
            reached.add(page)
            targets = ((page.parent / link.partition("#")[0]).resolve() for link in links(page))
            waiting += [target for target in targets if target.suffix == ".md" and target.is_relative_to(DOCS)]
    assert [name_of(page) for page in PAGES if page not in reached] == []


@pytest.mark.parametrize("path", TEXTS, ids=name_of)
def test_the_commands_that_are_shown_exist(path: Path) -> None:
    for words in commands(path):
        try:
            check_command(words)
        except click.ClickException as error:
            raise AssertionError(f"entracte {shlex.join(words)}: {error.format_message()}") from None


def test_the_how_tos_show_commands() -> None:
    shown = [words for path in (DOCS / "how-to").glob("*.md") for words in commands(path)]
    assert len(shown) > 30


@pytest.mark.parametrize(
    "line",
    [
        "entracte serv",
        "entracte connection add --title Northwind",
        "entracte connection add northwind --title N --client-id e --isuer https://login.example.com",
        "entracte campaign publish",
        "entracte campaign publish one.yaml two.yaml",
        "entracte export quiz --format xml",
        "entracte keys new --number 999",
    ],
)
def test_a_command_that_does_not_exist_is_found(line: str, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"```console\n$ ENTRACTE_PORT=1 {line} > file\n```\n")
    [words] = commands(page)
    with pytest.raises(click.ClickException):
        check_command(words)


def test_a_link_in_code_is_none(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("[`a`](b.md#c) `[x](y.md)`\n\n```\n[x](z.md)\n```\n[w](https://example.com)\n")
    assert list(links(page)) == ["b.md#c"]
