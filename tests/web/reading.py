"""Reads a page back as a tree, so that tests ask for elements and not for substrings."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset({"meta", "link", "input", "br", "img", "hr"})


@dataclass(slots=True)
class Element:
    tag: str
    attributes: dict[str, str]
    parts: list["Element | str"] = field(default_factory=list)

    def __getitem__(self, name: str) -> str:
        return self.attributes[name]

    def has(self, name: str) -> bool:
        return name in self.attributes

    @property
    def text(self) -> str:
        """Everything a person reads in it, with single spaces."""
        return " ".join("".join(part if isinstance(part, str) else f" {part.text} " for part in self.parts).split())

    def every(self, tag: str = "", **wanted: str) -> list["Element"]:
        """The elements below with that tag and those attributes; `class_` is `class`, `aria_x` is `aria-x`."""
        attributes = {name.rstrip("_").replace("_", "-"): value for name, value in wanted.items()}
        return [
            element
            for element in self._below()
            if tag in ("", element.tag)
            and all(element.attributes.get(name) == value for name, value in attributes.items())
        ]

    def one(self, tag: str = "", **wanted: str) -> "Element":
        found = self.every(tag, **wanted)
        assert len(found) == 1, f"{len(found)} of {tag} {wanted}"
        return found[0]

    def _below(self) -> Iterator["Element"]:
        for part in self.parts:
            if isinstance(part, Element):
                yield part
                yield from part._below()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open = [Element("document", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> has an attribute twice"
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].parts.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open[-1].parts.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].parts.append(data)


def read(html: str) -> Element:
    """The tree of a page. Fails when an element is not closed where it must be, or an id stands there twice."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    assert len(reader.open) == 1, f"<{reader.open[-1].tag}> is not closed"
    document = reader.open[0]
    identifiers = [element["id"] for element in document.every() if element.has("id")]
    assert len(identifiers) == len(set(identifiers))
    return document


def check_page(html: str) -> Element:
    """What must be so on every page: it lives with our Content-Security-Policy, and everything that describes or labels
    something is there."""
    document = read(html)
    assert not [element for element in document.every() if element.has("style")], "an inline style"
    assert not [name for element in document.every() for name in element.attributes if name.startswith("on")]
    assert all(script.has("src") and not script.parts for script in document.every("script"))
    assert all(script["src"].startswith("/") for script in document.every("script"))
    assert document.one("style")["nonce"]
    assert document.one("html")["lang"]
    assert document.one("html")["dir"] in ("ltr", "rtl")
    assert len(document.every("h1")) == 1
    identifiers = {element["id"] for element in document.every() if element.has("id")}
    for element in document.every():
        for name in ("for", "aria-describedby", "aria-labelledby"):
            assert set(element.attributes.get(name, "").split()) <= identifiers, f"{name} leads nowhere"
    labelled = {label["for"] for label in document.every("label")}
    for control in document.every("input") + document.every("select") + document.every("textarea"):
        assert control.attributes.get("type") == "hidden" or control["id"] in labelled
    return document
