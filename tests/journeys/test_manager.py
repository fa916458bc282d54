"""Members at work in the manager, in a real browser, on a campaign that people have played."""

import csv
import io
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from entracte.organizations.manage import add_member, add_organization
from entracte.organizations.model import Brand, Role
from entracte.statistics.report import Report, report
from entracte.store.opened import Store
from entracte.values import Secret, entropy
from entracte.web.pages.manage_campaigns.views import facts
from tests.browser import PERSON, Witness, watched
from tests.installation import MEMBER, PASSWORD
from tests.journeys.conftest import Stage, staged
from tests.journeys.quiz import answer_questions, choose, go_to_the_login, send_entry

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

FORM = re.compile("/c/quiz/details$")
THANKS = re.compile("/c/quiz/thanks$")
MISHAP = re.compile("/sign-in/mishap$")
OUTSIDER = "charlie@contoso.example"
ROUTES = ("", "/entries.csv", "/statistics.csv")
PLAYED = {
    ("started", ""): 9,
    ("answered", "song"): 8,
    ("answered", "places"): 7,
    ("answered", "why"): 7,
    ("sign_in_shown", ""): 7,
    ("sign_in_sent", ""): 6,
    ("signed_in", ""): 2,
    ("cancelled", ""): 2,
    ("at_the_login", ""): 1,
    ("returned", ""): 0,
    ("failed", "provider_error"): 1,
    ("guest", ""): 1,
    ("form_shown", ""): 3,
    ("entered", ""): 3,
}
"""What the nine people of `played` did."""
OUTCOMES = ("Came back", "Cancelled", "Still at", "Failed")
ROWS = """table => [...table.querySelectorAll('tr')]
    .map(row => [...row.cells].filter(cell => !cell.querySelector('table, svg') && cell.scope !== 'col'))
    .filter(cells => cells.length == 3 && !cells[0].closest('thead'))
    .map(cells => cells.map(cell => cell.textContent.trim().replace(/\\s+/g, ' ')))"""


@dataclass
class Line:
    """A row of the funnel as it stands on the page."""

    label: str
    count: int
    share: str


def at_the_form(page: "Page", stage: Stage, persona: str) -> None:
    answer_questions(page, stage.url)
    go_to_the_login(page)
    choose(page, persona)
    page.wait_for_url(FORM)


def enter(page: "Page", stage: Stage, persona: str) -> None:
    at_the_form(page, stage, persona)
    send_entry(page)
    page.wait_for_url(THANKS)


def enter_as_guest(page: "Page", stage: Stage) -> None:
    answer_questions(page, stage.url)
    page.get_by_role("button", name="Take part without an account").click()
    page.get_by_label("First name").fill("=Guest")
    page.get_by_label("E-mail", exact=True).fill("guest@example.com")
    send_entry(page)
    page.wait_for_url(THANKS)


def cancel(page: "Page", stage: Stage) -> None:
    answer_questions(page, stage.url)
    go_to_the_login(page)
    page.get_by_role("link", name=re.compile("^Cancel")).click()
    page.wait_for_url(MISHAP)


def fail(page: "Page", stage: Stage) -> None:
    answer_questions(page, stage.url)
    go_to_the_login(page)
    choose(page, "Error")
    page.wait_for_url(MISHAP)


def stay_at_the_login(page: "Page", stage: Stage) -> None:
    answer_questions(page, stage.url)
    go_to_the_login(page)
    page.get_by_role("button", name="Ana Lopez", exact=True).wait_for()


def leave_after_one_question(page: "Page", stage: Stage) -> None:
    page.goto(stage.url)
    page.get_by_role("button", name="Start").click()
    page.get_by_text("Wonderwall").click()
    page.get_by_role("button", name="Next").click()
    page.wait_for_url(re.compile("/places$"))


def leave_at_once(page: "Page", stage: Stage) -> None:
    page.goto(stage.url)
    page.get_by_role("button", name="Start").wait_for()


WAYS: tuple[Callable[["Page", Stage], None], ...] = (
    lambda page, stage: enter(page, stage, "Ana Lopez"),
    lambda page, stage: enter(page, stage, "Unverified e-mail"),
    cancel,
    cancel,
    fail,
    enter_as_guest,
    stay_at_the_login,
    leave_after_one_question,
    leave_at_once,
)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory, browser: "Browser") -> Iterator[Stage]:
    """Nine people have been there, each in a browser of their own; there are a member and an outsider. The stage is new
    each time, so that what a first try left behind is in no number."""
    with contextmanager(staged)(tmp_path_factory.mktemp("played")) as stage:
        witness = Witness()
        for way in WAYS:
            with closing(watched(browser.new_context(**PERSON), witness)) as context:
                way(context.new_page(), stage)
        witness.check()
        stage.installation.add_member()
        stage.installation.work(lambda store: _add_outsider(store, stage))
        yield stage


async def _add_outsider(store: Store, stage: Stage) -> None:
    keys = stage.installation.settings.seal_keys()
    contoso = await add_organization(store.organizations, "contoso", "Contoso", Brand(), keys, entropy)
    await add_member(store.members, contoso.number, OUTSIDER, Role.OWNER, Secret(PASSWORD))


def sign_in(page: "Page", stage: Stage, email: str = MEMBER, password: str = PASSWORD) -> None:
    page.goto(f"{stage.installation.url}/manage")
    page.locator("input[name=email]").fill(email)
    page.locator("input[name=password]").fill(password)
    page.locator("button").click()


def open_campaign(page: "Page", stage: Stage) -> None:
    """From the first page, as members do."""
    sign_in(page, stage)
    page.get_by_role("link", name=re.compile("Summer quiz|Le quiz de l’été")).click()
    page.wait_for_url(re.compile("/manage/campaigns/quiz$"))


def funnel(page: "Page") -> list[Line]:
    """Every row with a number, the outcomes of the sign-in among them, in the order of the page."""
    table = page.locator("table.funnel")
    return [Line(label, int(count), share) for label, count, share in table.evaluate(ROWS)]


def download(page: "Page", link: str | re.Pattern[str]) -> bytes:
    with page.expect_download() as downloading:
        page.get_by_role("link", name=link).click()
    return Path(downloading.value.path()).read_bytes()


def read_lines(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline=""), strict=True))


def computed(stage: Stage, since: int) -> Report:
    """The report as the domain makes it, straight from the store."""

    async def count(store: Store) -> Report:
        campaign = await store.campaigns.by_name("quiz")
        assert campaign is not None
        counts = await store.tallies.counts(campaign.organization, campaign.number, since)
        return report(facts(campaign.definition, "en"), counts, since)

    return stage.installation.work(count)


def percent(share: str) -> str:
    return f"{float(share) * 100:.1f}%"


def test_the_page_the_export_and_the_report_have_the_same_numbers(played: Stage, page: "Page") -> None:
    open_campaign(page, played)
    exported = read_lines(download(page, "These numbers as CSV"))
    rows, figures = exported[:-3], {line["measure"]: line for line in exported[-3:]}
    counts = {(line["measure"], line["key"]): int(line["count"]) for line in rows}
    since = int(datetime.fromisoformat(figures["started_since"]["key"]).timestamp())
    made = computed(played, since)

    assert counts == PLAYED
    assert counts == {(row.measure.value, row.key): row.count for row in made.rows}
    assert sum(counts[key] for key in list(PLAYED)[6:11]) == counts["sign_in_sent", ""]

    shown = [line for line in rows if (line["measure"], line["count"]) != ("returned", "0")]
    for line, exported_line in zip(funnel(page), shown, strict=True):
        assert exported_line["label"] in line.label
        assert line.count == int(exported_line["count"])
        assert line.share == percent(exported_line["share_of_sent"] or exported_line["share_of_started"])

    assert since % 86_400 == 0
    assert int(figures["started_since"]["count"]) == made.started_since
    assert int(figures["people"]["count"]) == made.people == 2
    assert int(figures["median_sign_in_seconds"]["count"]) == made.median_sign_in_seconds
    cards = page.locator("dl.figures dd strong").all_inner_texts()
    assert cards == ["9", "3", "2", f"{made.median_sign_in_seconds}\u202fs"]


def test_the_list_has_the_same_numbers(played: Stage, page: "Page") -> None:
    sign_in(page, played)
    row = page.get_by_role("row", name=re.compile("Summer quiz"))
    row.wait_for()
    counts = row.get_by_role("cell").all_inner_texts()
    assert [counts[0], *counts[2:]] == ["9", "3", "33.3%"]


def test_each_bar_is_an_image_with_a_name_and_its_numbers_beside_it(played: Stage, page: "Page") -> None:
    open_campaign(page, played)
    table = page.get_by_role("table", name="Where people are, and where they leave")
    bars = table.get_by_role("img")
    lines = [line for line in funnel(page) if not line.label.startswith(OUTCOMES)]
    assert bars.count() == len(lines) == 9
    widths = []
    for line, bar in zip(lines, bars.all(), strict=True):
        label = re.sub(r"^\d ", "", line.label)
        assert bar.get_attribute("aria-label") == f"{label}: {line.share}"
        row = bar.locator("xpath=ancestor::tr[1]")
        assert [cell.inner_text() for cell in row.get_by_role("cell").all()][1:] == [str(line.count), line.share]
        box = bar.bounding_box()
        assert box is not None
        widths.append(box["width"] / line.count)
    assert max(widths) - min(widths) < 1, "a bar is as long as its number says"
    assert table.get_by_role("table", name="How the sign-in ended").get_by_role("row").count() == 5


def test_the_entries_are_the_ones_that_were_sent(played: Stage, page: "Page") -> None:
    open_campaign(page, played)
    content = download(page, re.compile("^Export"))
    lines = read_lines(content)
    assert [line["form.email"] for line in lines] == ["ana@example.com", "chloe@example.com", "guest@example.com"]
    assert {line["question.song"] for line in lines} == {"Dancing Queen"}
    assert [line["signed_in"] for line in lines] == ["true", "true", "false"]
    assert lines[2]["form.first_name"] == "'=Guest", "a spreadsheet runs nothing that a participant typed"
    command = [sys.executable, "-m", "entracte", "export", "quiz", "--format", "csv", "--organization", "northwind"]
    exported = subprocess.run(command, env=played.installation.environment, capture_output=True, check=True)
    assert exported.stdout == content
    page.get_by_role("row", name=re.compile("guest@example.com typed")).wait_for()
    page.get_by_role("row", name=re.compile("ana@example.com kept")).wait_for()


def test_in_french_the_same_numbers_are_written_as_in_french(
    played: Stage, page: "Page", open_context: Callable[..., "BrowserContext"]
) -> None:
    open_campaign(page, played)
    french = open_context(locale="fr-BE").new_page()
    open_campaign(french, played)
    assert french.locator("html").get_attribute("lang") == "fr"
    assert french.get_by_role("heading", name="Le quiz de l’été").is_visible()
    english_lines, french_lines = funnel(page), funnel(french)
    assert [line.count for line in french_lines] == [line.count for line in english_lines]
    assert [line.share for line in french_lines] == [
        line.share.replace(".", ",").replace("%", " %") for line in english_lines
    ]
    assert "Échec : le service de connexion a répondu par une erreur provider_error" in [
        line.label for line in french_lines
    ]
    assert "1 Quelle chanson" in [line.label for line in french_lines]


def test_a_wrong_password_is_said_calmly_and_the_right_one_leads_on(played: Stage, page: "Page") -> None:
    page.goto(f"{played.installation.url}/manage/campaigns/quiz")
    page.get_by_label("E-mail").fill(MEMBER)
    page.get_by_label("Password").fill("not the password of Alice")
    page.get_by_role("button", name="Sign in").click()
    message = page.get_by_role("alert").inner_text()
    assert message == "The e-mail address and the password do not go together. Check both and try again."
    assert page.get_by_label("E-mail").input_value() == MEMBER
    assert page.get_by_label("Password").input_value() == ""
    page.wait_for_function("() => document.activeElement.id === 'password'")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/manage/campaigns/quiz$"))


def test_signed_out_is_signed_out(played: Stage, page: "Page") -> None:
    open_campaign(page, played)
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(re.compile("/manage/sign-in$"))
    page.go_back()
    page.wait_for_url(re.compile("/manage/sign-in"))
    assert "ana@example.com" not in page.content()
    for route in ROUTES:
        answer = page.request.get(f"{played.installation.url}/manage/campaigns/quiz{route}", max_redirects=0)
        assert answer.status == 303, route


def test_an_outsider_sees_nothing_of_another_organization(played: Stage, page: "Page") -> None:
    sign_in(page, played, OUTSIDER)
    page.get_by_role("heading", name="No campaign yet").wait_for()
    assert "quiz" not in page.locator("main").inner_text().replace("quiz.yaml", "")
    for route in ROUTES:
        there, not_there = (closed(page, played, f"/manage/campaigns/{name}{route}") for name in ("quiz", "nothing"))
        assert there == not_there, route
    page.goto(f"{played.installation.url}/manage/campaigns/quiz")
    assert page.get_by_role("heading", name="There is nothing here.").is_visible()


def closed(page: "Page", stage: Stage, path: str) -> tuple[dict[str, str], str]:
    """The headers and the body of a 404, without what is another one each time."""
    answer = page.request.get(f"{stage.installation.url}{path}", max_redirects=0)
    assert answer.status == 404, path
    nonce = re.search(r"'nonce-([^']+)'", answer.headers["content-security-policy"])
    assert nonce is not None
    own = {"date", "x-request-id"}
    headers = {name: value.replace(nonce[1], "") for name, value in answer.headers.items() if name not in own}
    return headers, answer.text().replace(nonce[1], "")


def test_without_javascript(played: Stage, plain_page: "Page") -> None:
    open_campaign(plain_page, played)
    assert len(read_lines(download(plain_page, re.compile("^Export")))) == 3
    plain_page.get_by_role("link", name="Campaigns").click()
    plain_page.wait_for_url(re.compile("/manage$"))
    plain_page.get_by_role("button", name="Sign out").click()
    plain_page.wait_for_url(re.compile("/manage/sign-in$"))


@pytest.mark.parametrize("locale", ["en-GB", "fr-FR"])
def test_nothing_overflows_sideways_on_a_small_phone(
    played: Stage, open_context: Callable[..., "BrowserContext"], locale: str
) -> None:
    page = open_context(locale=locale, viewport={"width": 360, "height": 800}).new_page()
    sign_in(page, played, password="not the password of Alice")
    page.get_by_role("alert").wait_for()
    check_width(page)
    open_campaign(page, played)
    check_width(page)
    for path in ("/manage", "/manage/campaigns/nothing"):
        page.goto(f"{played.installation.url}{path}")
        check_width(page)


def check_width(page: "Page") -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= 360, page.url


def test_the_numbers_are_there_at_once(
    played: Stage, page: "Page", open_context: Callable[..., "BrowserContext"]
) -> None:
    """Line 9: an entry shows as soon as its participant sees the last page. This test is the last one: it adds."""
    open_campaign(page, played)
    before = {line.label: line.count for line in funnel(page)}
    enter(open_context().new_page(), played, "A minor")
    page.reload()
    after = {line.label: line.count for line in funnel(page)}
    assert (after["Started"], after["Entry"]) == (before["Started"] + 1, before["Entry"] + 1)
    assert after["Came back signed in"] == before["Came back signed in"] + 1
    page.get_by_role("row", name=re.compile("dana@example.com kept")).wait_for()
