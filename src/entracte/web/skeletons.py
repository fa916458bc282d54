"""Pages that differ in a few values alone: rendered once with marks in their places, then only filled in.

A form is the same for everybody who comes back from the login, but for a greeting and what the account told. To
render it anew each time was a third of what a sign-in cost. Rules of this file:

- What is filled in is escaped exactly as the template would have: it can stand wherever `{{ … }}` stands.
- Nothing of a person is in a key or in a kept skeleton. What decides about the page's shape is in its key.
- A mark holds a secret of the process: no campaign and no participant can write one.
"""

import re
import secrets
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from markupsafe import escape

MOST = 2048
"""Skeletons that one process keeps, of some 10 KB each."""

_SECRET = secrets.token_hex(8)
_MARK = re.compile(rf"{_SECRET}x(\d+)x")


@dataclass(frozen=True, slots=True)
class Skeleton:
    """A page with places. `texts` and `places` alternate, and a text begins and ends."""

    texts: tuple[str, ...]
    places: tuple[int, ...]

    def filled(self, values: Sequence[str]) -> str:
        """The page with these values."""
        pieces = [self.texts[0]]
        for place, text in zip(self.places, self.texts[1:], strict=True):
            pieces += (escape(values[place]), text)
        return "".join(pieces)


class Skeletons:
    """The skeletons of one kind of page."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, tuple[tuple[object, ...], Skeleton]] = {}

    def render(
        self, key: Hashable, owners: tuple[object, ...], values: Sequence[str], render: Callable[[Sequence[str]], str]
    ) -> str:
        """The page that `render` makes of `values`. `key` says everything else that the page depends on; whatever it
        names by identity belongs to `owners`, which are kept beside, so that nothing else can have their identity."""
        known = self._kept.get(key)
        if known is None:
            known = owners, _skeleton(render([f"{_SECRET}x{place}x" for place in range(len(values))]))
            if len(self._kept) >= MOST:
                self._kept.clear()
            self._kept[key] = known
        return known[1].filled(values)


def _skeleton(page: str) -> Skeleton:
    parts = _MARK.split(page)
    return Skeleton(tuple(parts[::2]), tuple(int(place) for place in parts[1::2]))
