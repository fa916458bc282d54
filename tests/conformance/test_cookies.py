"""The cookies of a sign-in, as a browser gets them from a real installation."""

import pytest

from entracte.protocol.state import read_state
from tests.conformance.stage import Stage, back, state_of


@pytest.mark.conformance("MUST 12")
@pytest.mark.parametrize("where", ["a frame", "a pop-up", "a pop-up of a frame"])
def test_every_cookie_of_a_sign_in_is_for_this_host_alone(stage: Stage, where: str) -> None:
    """The ticket that proves the window in which somebody comes back, where that window has no key of its own."""
    stage.connect()
    browser, base = stage.in_a_frame()
    if "frame" not in where:
        browser, base = stage.site.browser(), stage.campaign
        browser.answer_questions(base)
    fields = [("window", "popup")] if "pop-up" in where else []
    begun = browser.post(f"{base}/sign-in", fields)
    back_at_the_campaign = browser.get(browser.get(back(begun["location"])).path)
    attempt = read_state(state_of(begun["location"]), stage.site.program.keys).attempt
    ticket = f"__Host-entracte_attempt-{attempt:08x}"
    assert ticket in begun.set_cookies[0]
    assert ("/sign-in/done?" in back_at_the_campaign.path) is ("pop-up" in where)
    for line in (*begun.set_cookies, *back_at_the_campaign.set_cookies):
        name, _, rest = line.partition("=")
        attributes = {part.strip().lower() for part in rest.split(";")[1:]}
        assert name in (ticket, stage.cookie)
        assert {"secure", "httponly", "path=/"} <= attributes
        assert not any(attribute.startswith("domain") for attribute in attributes)
