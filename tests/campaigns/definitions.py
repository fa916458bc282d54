"""Definitions for tests: small ones to change, and a Hypothesis strategy for arbitrary ones."""

from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

from entracte.campaigns.model import Definition

SMALL: dict[str, Any] = {
    "campaign": "small",
    "title": "Small",
    "languages": ["en"],
    "sign_in": {"connection": "northwind", "guests": True},
    "steps": [
        {"kind": "welcome", "key": "welcome", "title": "Hello"},
        {
            "kind": "single_choice",
            "key": "one",
            "title": "One?",
            "choices": [{"key": "a", "label": "A"}, {"key": "b", "label": "B"}],
        },
        {
            "kind": "form",
            "key": "details",
            "title": "You",
            "fields": [{"key": "name", "kind": "text", "label": "Name"}],
        },
        {"kind": "thanks", "key": "thanks", "title": "Thanks"},
    ],
}


def small(**changes: Any) -> dict[str, Any]:
    """A campaign file's values, with other values at the top."""
    return {**deepcopy(SMALL), **changes}


CHOICES = [{"key": key, "label": key.upper()} for key in ("a", "b", "c")]


@st.composite
def definitions(draw: st.DrawFn) -> Definition:
    """Any way through a campaign: with or without welcome and sign-in, with questions of every kind."""
    kinds = draw(st.lists(st.sampled_from(["single_choice", "multiple_choice", "open_text"]), max_size=6))
    questions = [
        {
            "kind": kind,
            "key": f"question-{number}",
            "title": "?",
            "required": draw(st.booleans()),
            **({} if kind == "open_text" else {"choices": CHOICES}),
        }
        for number, kind in enumerate(kinds)
    ]
    welcome = [SMALL["steps"][0]] if draw(st.booleans()) else []
    sign_in = {"connection": "northwind", "guests": draw(st.booleans())} if draw(st.booleans()) else None
    steps = [*welcome, *questions, *SMALL["steps"][-2:]]
    return Definition.model_validate({**SMALL, "sign_in": sign_in, "steps": steps})
