"""The table of places that a participant goes through, and where they are in it.

| place    | is there when           | is done when                            | can be shown                        |
|----------|-------------------------|-----------------------------------------|-------------------------------------|
| welcome  | the campaign has one    | it was passed                           | until the entry                     |
| question | always                  | it was answered, or passed if it may be | when all before it are done         |
| sign-in  | the campaign signs in   | a profile is there, or goes on as guest | when it comes, while not signed in  |
| form     | always                  | the entry is there                      | when all before it are done         |
| thanks   | always                  | never                                   | after the entry, and nothing else   |
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from itertools import takewhile
from typing import Literal

from entracte.campaigns.model import Definition, Form, MultipleChoice, OpenText, SingleChoice, Thanks, Welcome
from entracte.participation.model import Participation

SIGN_IN = "sign-in"
"""The key of the sign-in place, reserved for it."""

Segment = Literal["done", "current", "ahead"]


class PlaceKind(StrEnum):
    WELCOME = "welcome"
    QUESTION = "question"
    SIGN_IN = "sign_in"
    FORM = "form"
    THANKS = "thanks"


@dataclass(frozen=True, slots=True)
class Place:
    """One page of the way. `key` is what stands in its address: the step's key, or `SIGN_IN`. `required` is true of a
    question that can not be passed."""

    kind: PlaceKind
    key: str
    required: bool = False


def places(definition: Definition) -> tuple[Place, ...]:
    """All places, in their order; the sign-in stands right before the form."""
    known = _WAYS.get(id(definition))
    if known is not None and known[0] is definition:
        return known[1]
    way = _way(definition)
    if len(_WAYS) >= _MOST_WAYS:
        _WAYS.clear()
    _WAYS[id(definition)] = definition, way
    return way


_WAYS: dict[int, tuple[Definition, tuple[Place, ...]]] = {}
"""The ways through definitions that are in use, by identity: a page asks a dozen times, and to compare definitions
would cost more than to walk one. The definition is kept beside, so that nothing else can have its identity."""
_MOST_WAYS = 2048


def _way(definition: Definition) -> tuple[Place, ...]:
    found: list[Place] = []
    for step in definition.steps:
        kind = _KINDS[type(step)]
        if kind is PlaceKind.FORM and definition.sign_in is not None:
            found.append(Place(PlaceKind.SIGN_IN, SIGN_IN))
        found.append(Place(kind, step.key, bool(getattr(step, "required", False))))
    return tuple(found)


_KINDS: dict[type, PlaceKind] = {
    Welcome: PlaceKind.WELCOME,
    SingleChoice: PlaceKind.QUESTION,
    MultipleChoice: PlaceKind.QUESTION,
    OpenText: PlaceKind.QUESTION,
    Form: PlaceKind.FORM,
    Thanks: PlaceKind.THANKS,
}


def _answered(place: Place, participation: Participation) -> bool:
    if place.required:
        return participation.answers.get(place.key) is not None
    return place.key in participation.answers


_DONE: dict[PlaceKind, Callable[[Place, Participation], bool]] = {
    PlaceKind.WELCOME: _answered,
    PlaceKind.QUESTION: _answered,
    PlaceKind.SIGN_IN: lambda place, participation: participation.profile is not None or participation.guest,
    PlaceKind.FORM: lambda place, participation: participation.entered_at is not None,
    PlaceKind.THANKS: lambda place, participation: False,
}


def is_done(place: Place, participation: Participation) -> bool:
    """Whether the participant has been through a place."""
    return _DONE[place.kind](place, participation)


def current(definition: Definition, participation: Participation) -> Place:
    """Where the participant is: the first place that is not done; the last page after the entry, whatever a newer
    version of the campaign has added since."""
    way = places(definition)
    if participation.entered_at is not None:
        return way[-1]
    return next(place for place in way if not is_done(place, participation))


def may_show(definition: Definition, participation: Participation, key: str) -> bool:
    """Whether the page of this key can be shown: a place behind the participant, or the one they are at."""
    here = current(definition, participation)
    if key == here.key:
        return True
    if here.kind is PlaceKind.THANKS:
        return False
    behind = takewhile(lambda place: place != here, places(definition))
    return any(place.key == key and _may_be_seen_again(place, participation) for place in behind)


def _may_be_seen_again(place: Place, participation: Participation) -> bool:
    return place.kind is not PlaceKind.SIGN_IN or participation.profile is None


def previous(definition: Definition, participation: Participation, key: str) -> Place | None:
    """Where the way back leads from a place, None where there is none."""
    if participation.entered_at is not None:
        return None
    before = takewhile(lambda place: place.key != key, places(definition))
    shown = [place for place in before if may_show(definition, participation, place.key)]
    return shown[-1] if shown else None


def following(definition: Definition, participation: Participation, key: str) -> Place:
    """Where the way on leads from a place that is done: the next one that can be shown, so that who went back goes
    through the answers again one by one."""
    way = places(definition)
    place = next((number for number, place in enumerate(way) if place.key == key), -1)
    ahead = (next_one for next_one in way[place + 1 :] if may_show(definition, participation, next_one.key))
    return next(ahead, current(definition, participation))


def progress(definition: Definition, participation: Participation, key: str) -> tuple[Segment, ...]:
    """One segment for each question and one for the details (sign-in and form), as seen from the page of this key."""
    questions = [place for place in places(definition) if place.kind is PlaceKind.QUESTION]
    segments = tuple(_segment(place.key == key, is_done(place, participation)) for place in questions)
    details = _segment(_is_details(definition, key), participation.entered_at is not None)
    return (*segments, details)


def _segment(is_here: bool, is_behind: bool) -> Segment:
    if is_here:
        return "current"
    return "done" if is_behind else "ahead"


def _is_details(definition: Definition, key: str) -> bool:
    return key in (SIGN_IN, definition.form.key)


def number_of(definition: Definition, key: str) -> tuple[int, int]:
    """The number of a question, from 1 (0 for another place), and how many questions there are."""
    keys = [step.key for step in definition.questions]
    return (keys.index(key) + 1 if key in keys else 0, len(keys))
