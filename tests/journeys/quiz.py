"""A short campaign for journeys, and a person who plays it: the same way through the pages for every browser."""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

QUIZ = """
campaign: quiz
title: {en: Summer quiz, fr: Le quiz de l’été}
languages: [en, fr]
sign_in:
  connection: northwind
  guests: true
  message: {en: You come straight back here., fr: Vous revenez ici tout de suite.}
steps:
  - {kind: welcome, key: hello, title: {en: One summer, fr: Un été}}
  - kind: single_choice
    key: song
    title: {en: Which song, fr: Quelle chanson}
    choices: [{key: a, label: Wonderwall}, {key: b, label: Dancing Queen}]
  - kind: multiple_choice
    key: places
    title: {en: Where do you listen, fr: Où écoutez-vous}
    choices:
      - {key: car, label: {en: In the car, fr: En voiture}}
      - {key: beach, label: {en: At the beach, fr: À la plage}}
  - {kind: open_text, key: why, title: {en: Why, fr: Pourquoi}}
  - kind: form
    key: details
    title: {en: "Nice one, {first_name}.", fr: "Bravo, {first_name}."}
    title_guest: {en: Nice one., fr: Bravo.}
    button: {en: Send my entry, fr: Envoyer}
    fields:
      - {key: first_name, kind: text, label: {en: First name, fr: Prénom}, prefill: first_name, required: true}
      - {key: email, kind: email, label: {en: E-mail, fr: E-mail}, prefill: email, mode: locked, required: true}
      - {key: phone, kind: phone, label: {en: Mobile number, fr: Portable}, prefill: phone, country: BE}
      - {key: news, kind: opt_in, label: {en: Send me news., fr: Envoyez-moi des nouvelles.}}
      - {key: rules, kind: checkbox, label: {en: I accept the rules., fr: J’accepte le règlement.}, required: true}
  - {kind: thanks, key: thanks, title: {en: You are in, fr: C’est fait}}
"""

ANSWERS = {"song": "b", "places": ["beach"], "why": "Because of the sea."}
"""What `answer_questions` answers, as it is kept."""


def answer_questions(page: "Page", url: str) -> None:
    """From the first page to the sign-in."""
    send_answers(page, url)
    page.wait_for_url(re.compile("/sign-in$"))


def send_answers(page: "Page", url: str) -> None:
    """From the first page through every question, wherever that leads."""
    page.goto(url)
    page.get_by_role("button", name="Start").click()
    page.get_by_text("Dancing Queen").click()
    page.get_by_role("button", name="Next").click()
    page.get_by_text("At the beach").click()
    page.get_by_role("button", name="Next").click()
    page.get_by_role("textbox").fill(ANSWERS["why"])  # type: ignore[arg-type]
    page.get_by_role("button", name="Next").click()


def go_to_the_login(page: "Page") -> None:
    page.get_by_role("button", name="Continue with Northwind").click()


def choose(page: "Page", persona: str) -> None:
    """Pick a persona at the practice provider."""
    # what comes after it is waited for by who asks: a window of its own may close while it is looked at
    page.get_by_role("button", name=persona, exact=True).click(no_wait_after=True)


def send_entry(page: "Page") -> None:
    page.get_by_text("I accept the rules.").click()
    page.get_by_role("button", name="Send my entry").click()
