"""Writes the pictures in docs/screenshots from a running demo: `make screenshots`.

It starts the demo on free ports with a folder of its own, plays it in the system's Chromium, and stops it.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.browser import running_browser
from tests.installation import free_port

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PICTURES = Path(__file__).resolve().parent.parent / "docs" / "screenshots"
PARTICIPANT = {"width": 760, "height": 900}
PHONE = {"width": 390, "height": 844}
MANAGER = {"width": 1280, "height": 860}


class Demo:
    """The demo in a process of its own."""

    def __init__(self, folder: Path) -> None:
        ports = {name: free_port() for name in ("ENTRACTE_PORT", "ENTRACTE_PRACTICE_PORT", "ENTRACTE_SITE_PORT")}
        self.url = f"http://localhost:{ports['ENTRACTE_PORT']}"
        self.site = f"http://localhost:{ports['ENTRACTE_SITE_PORT']}"
        self._log = folder / "demo.log"
        environment = {**os.environ, **{name: str(port) for name, port in ports.items()}}
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "entracte", "demo", "--folder", str(folder)],
                env=environment,
                stdout=log,
                stderr=log,
            )
        self._wait()

    @property
    def member(self) -> tuple[str, str]:
        """The member that the demo printed."""
        log = self._log.read_text(encoding="utf-8")
        found = re.search(r"the manager; sign in as (\S+).*password is (\S+)\.\n", log, re.DOTALL)
        if found is None:
            raise SystemExit(f"The demo printed no member:\n{log}")
        return found[1], found[2]

    def stop(self) -> None:
        self._process.send_signal(signal.SIGINT)
        self._process.wait(timeout=30)

    def _wait(self) -> None:
        for _ in range(300):
            try:
                with urllib.request.urlopen(f"{self.url}/readyz", timeout=2):
                    break
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.1)
        while "Ctrl-C stops" not in self._log.read_text(encoding="utf-8"):
            time.sleep(0.1)


def main() -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, running_browser() as browser:
        demo = Demo(Path(folder))
        try:
            _participant(browser, demo)
            _phone(browser, demo)
            _mishap(browser, demo)
            _frame(browser, demo)
            _manager(browser, demo)
        finally:
            demo.stop()


def _participant(browser: "Browser", demo: Demo) -> None:
    page = browser.new_context(viewport=PARTICIPANT, locale="en-GB").new_page()  # type: ignore[arg-type]
    page.goto(f"{demo.url}/c/summer-quiz")
    _picture(page, "welcome")
    _answer(page, until="never-number-one")
    page.get_by_text("Wonderwall").click()
    _picture(page, "question")
    page.get_by_role("button", name="Next").click()
    _answer(page, until="sign-in")
    _picture(page, "signin")
    page.get_by_role("button", name="Continue with Northwind").click()
    _picture(page, "practice-login")
    page.get_by_role("button", name="Ana Lopez").click()
    page.get_by_role("button", name="Allow").click()
    page.get_by_label("Mobile number").fill("0470 12")
    page.get_by_role("button", name="Send my entry").click()
    page.evaluate("document.activeElement.blur()")
    _picture(page, "form", whole=True)
    page.get_by_label("Mobile number").fill("0470 12 34 56")
    page.get_by_text("I accept the").click(position={"x": 5, "y": 5})
    page.get_by_role("button", name="Send my entry").click()
    page.wait_for_url(re.compile("thanks"))
    _picture(page, "thanks")
    page.context.close()


def _phone(browser: "Browser", demo: Demo) -> None:
    context = browser.new_context(
        viewport=PHONE,  # type: ignore[arg-type]
        device_scale_factor=2,
        locale="fr-FR",
        color_scheme="dark",
    )
    page = context.new_page()
    page.goto(f"{demo.url}/c/summer-quiz")
    _answer(page, until="never-number-one")
    _picture(page, "question-phone-dark")
    context.close()


def _mishap(browser: "Browser", demo: Demo) -> None:
    page = browser.new_context(viewport=PARTICIPANT, locale="en-GB").new_page()  # type: ignore[arg-type]
    page.goto(f"{demo.url}/c/summer-quiz")
    _answer(page, until="sign-in")
    page.get_by_role("button", name="Continue with Northwind").click()
    page.get_by_role("link", name=re.compile("^Cancel")).click()
    page.wait_for_url(re.compile("mishap"))
    _picture(page, "mishap")
    page.context.close()


def _frame(browser: "Browser", demo: Demo) -> None:
    page = browser.new_context(viewport=MANAGER, locale="en-GB").new_page()  # type: ignore[arg-type]
    page.goto(f"{demo.site}/win")
    frame = page.frame_locator("iframe")
    frame.get_by_role("button").first.wait_for()
    page.locator("iframe").scroll_into_view_if_needed()
    page.wait_for_timeout(500)
    _picture(page, "embedded")
    page.context.close()


def _manager(browser: "Browser", demo: Demo) -> None:
    """A few more people first, so that the funnel has something to say."""
    for persona, wanted in (("Unverified e-mail", 3), ("Says no", 2), ("Error", 1), (None, 2)):
        for _ in range(wanted):
            _passer_by(browser, demo, persona)
    email, password = demo.member
    page = browser.new_context(viewport=MANAGER, locale="en-GB").new_page()  # type: ignore[arg-type]
    page.goto(f"{demo.url}/manage")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    _picture(page, "manage-campaigns")
    page.goto(f"{demo.url}/manage/campaigns/summer-quiz")
    _picture(page, "stats", whole=True)
    page.context.close()


def _passer_by(browser: "Browser", demo: Demo, persona: str | None) -> None:
    page = browser.new_context(locale="en-GB").new_page()
    page.goto(f"{demo.url}/c/summer-quiz")
    _answer(page, until="sign-in" if persona else "never-number-one")
    if persona:
        page.get_by_role("button", name="Continue with Northwind").click()
        page.get_by_role("button", name=persona).click()
        allow = page.get_by_role("button", name="Allow")
        if allow.count():
            allow.click()
        page.wait_for_url(re.compile("details|mishap"))
    if persona == "Unverified e-mail":
        page.get_by_label("Mobile number").fill("0470 65 43 21")
        page.get_by_text("I accept the").click(position={"x": 5, "y": 5})
        page.get_by_role("button", name="Send my entry").click()
        page.wait_for_url(re.compile("thanks"))
    page.context.close()


def _answer(page: "Page", until: str) -> None:
    """Answer each question with its first choices, until an address."""
    for _ in range(20):
        if page.url.endswith(f"/{until}"):
            return
        boxes = page.locator("input[name=answer]")
        if page.locator("textarea").count():
            page.locator("textarea").fill("The one from that week at the sea.")
        for place in range(min(boxes.count(), 2 if page.locator("input[type=checkbox]").count() else 1)):
            boxes.nth(place).check(force=True)
        page.locator("main form button[type=submit]").first.click()
    raise SystemExit(f"never came to {until}: {page.url}")


def _picture(page: "Page", name: str, *, whole: bool = False) -> None:
    page.screenshot(path=PICTURES / f"{name}.png", full_page=whole)
    print(f"docs/screenshots/{name}.png")


if __name__ == "__main__":
    main()
