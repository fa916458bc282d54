"""Looks at a page as people do who see little, who press keys instead of pointing, or who have it read to them.

axe (npm's `axe-core`) finds what a program can find of WCAG 2.2 at the levels A and AA; `checks.js` adds what axe
leaves out: the way of the Tab key, a focus that can be seen, targets, reflow, motion. Both are evaluated by the
browser's debugger, which no content security policy of a page keeps from it.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests import parts
from tests.browser import SECONDS

if TYPE_CHECKING:
    from playwright.sync_api import Frame, Page

CHECKS = Path(__file__).with_name("checks.js")
WIDE = {"width": 1280, "height": 1024}
ENLARGED = {"width": WIDE["width"] // 4, "height": WIDE["height"] // 4}
"""The wide window at a zoom of 400 %: 320 pixels (WCAG 2.2, success criterion 1.4.10)."""
VIEWS: tuple[tuple[str, Any, Any], ...] = (
    ("light", "light", WIDE),
    ("dark at 320 pixels", "dark", ENLARGED),
)
ACTIVE = "document.activeElement.outerHTML.slice(0, 200)"


class Inspection:
    """Looks at pages and keeps what is wrong with them."""

    def __init__(self, patience: float = SECONDS) -> None:
        """`patience` is how many seconds what is wrong may take to get the focus."""
        self._patience = patience
        axe = parts.require(parts.AXE) / "node_modules" / "axe-core" / "axe.min.js"
        self._source = f"{axe.read_text(encoding='utf-8')};\n{CHECKS.read_text(encoding='utf-8')}"
        self.looked_at: list[str] = []
        self.faults: list[str] = []

    def __call__(self, page: "Page", name: str, language: str, *, frame: "Frame | None" = None) -> None:
        """Look at a page, or at a frame in it, in every view. `name` says in a fault which page it was."""
        place = frame or page.main_frame
        self._prepare(page, place)
        for view, scheme, size in VIEWS:
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            _resize(page, size, frame)
            found = place.evaluate("checks.field()")
            found += place.evaluate("language => checks.own(language)", language)
            found += self._walk(page, place)
            self.faults += [f"{name}, {language}, {view}: {fault}" for fault in found]
        self.looked_at.append(name)

    def focus(self, page: "Page", selector: str, name: str) -> None:
        """What is wrong has the focus: a screen reader begins there."""
        from playwright.sync_api import TimeoutError  # noqa: A004 — the driver is loaded only by tests that need it

        try:
            page.wait_for_selector(f"{selector}:focus", timeout=self._patience * 1000, state="attached")
        except TimeoutError:
            self.faults.append(f"{name}: the focus is not on {selector} but on {page.evaluate(ACTIVE)}")

    def moves(self, page: "Page") -> list[str]:
        """What moves on a page for people who did not ask for less motion."""
        self._prepare(page, page.main_frame)
        page.emulate_media(reduced_motion="no-preference")
        moving: list[str] = page.evaluate("checks.motion()")
        return moving

    def _prepare(self, page: "Page", place: "Frame") -> None:
        place.wait_for_load_state()
        page.emulate_media(reduced_motion="reduce")
        if not place.evaluate("'checks' in globalThis"):
            place.evaluate(self._source)

    def _walk(self, page: "Page", place: "Frame") -> list[str]:
        """From stop to stop by the Tab key."""
        for _ in range(place.evaluate("checks.start()")):
            page.keyboard.press("Tab")
        found: list[str] = place.evaluate("checks.end()")
        return found


def _resize(page: "Page", size: Any, frame: "Frame | None") -> None:
    """The window, and with it the frame, which may learn of it later: it is drawn by another process."""
    page.set_viewport_size(size)
    page.wait_for_function("width => innerWidth === width", arg=size["width"])
    if frame is not None:
        width = frame.frame_element().evaluate("frame => frame.clientWidth")
        frame.wait_for_function("width => innerWidth === width", arg=width)
