"""The way through a campaign, for any campaign: it ends, it skips nothing, and it never runs ahead."""

from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from entracte.campaigns.model import Definition
from entracte.participation.journey import (
    SIGN_IN,
    Place,
    PlaceKind,
    current,
    following,
    is_done,
    may_show,
    number_of,
    places,
    previous,
    progress,
)
from entracte.participation.model import Participation, Profile
from entracte.values import CampaignNumber, OrganizationNumber, ParticipationId
from tests.campaigns.definitions import definitions, small

NOBODY_YET = Participation(
    OrganizationNumber(1), CampaignNumber(1), ParticipationId(UUID(int=1)), language="en", started_at=0
)
ANA = Profile({"email": "ana@example.com"}, frozenset(), "ana@example.com", b"ana")


def pass_through(place: Place, participation: Participation, *, as_guest: bool = False) -> Participation:
    """The participation after somebody did what a place asks for."""
    if place.kind is PlaceKind.SIGN_IN:
        return replace(participation, guest=as_guest, profile=None if as_guest else ANA)
    if place.kind is PlaceKind.FORM:
        return replace(participation, entered_at=1)
    answer = "a" if place.kind is PlaceKind.QUESTION else None
    return replace(participation, answers={**participation.answers, place.key: answer})


def way(definition: Definition, *, as_guest: bool = False) -> Iterator[tuple[Place, Participation]]:
    """Every place with the participation as it is there, from nothing to the end."""
    participation = NOBODY_YET
    for _ in range(100):
        place = current(definition, participation)
        yield place, participation
        if place.kind is PlaceKind.THANKS:
            return
        participation = pass_through(place, participation, as_guest=as_guest)
    raise AssertionError("the way does not end")


@given(definitions(), st.booleans())
def test_the_way_leads_through_every_place_once_in_order(definition: Definition, as_guest: bool) -> None:
    assert tuple(place for place, _ in way(definition, as_guest=as_guest)) == places(definition)


@given(definitions())
def test_the_sign_in_stands_right_before_the_form(definition: Definition) -> None:
    kinds = [place.kind for place in places(definition)]
    form = kinds.index(PlaceKind.FORM)
    assert kinds.count(PlaceKind.SIGN_IN) == (definition.sign_in is not None)
    assert (kinds[form - 1] is PlaceKind.SIGN_IN) == (definition.sign_in is not None)
    assert kinds[form + 1 :] == [PlaceKind.THANKS]


@given(definitions(), st.sets(st.integers(0, 8)), st.booleans(), st.booleans())
def test_no_required_question_is_ever_behind_without_an_answer(
    definition: Definition, given_to: set[int], passed: bool, signed_in: bool
) -> None:
    keys = [place.key for place in places(definition)]
    answers = {key: None if passed else "a" for number, key in enumerate(keys) if number in given_to}
    participation = replace(NOBODY_YET, answers=answers, profile=ANA if signed_in else None)
    here = current(definition, participation)
    behind = places(definition)[: keys.index(here.key)]
    assert all(is_done(place, participation) for place in behind)
    assert all(answers.get(place.key) for place in behind if place.required)
    assert not any(may_show(definition, participation, key) for key in keys[keys.index(here.key) + 1 :])
    assert may_show(definition, participation, here.key)


@given(definitions(), st.booleans())
def test_places_behind_can_be_seen_again_and_the_sign_in_only_while_not_signed_in(
    definition: Definition, as_guest: bool
) -> None:
    for place, participation in way(definition, as_guest=as_guest):
        if place.kind is PlaceKind.THANKS:
            break
        for seen in places(definition):
            if seen == place:
                break
            hidden = seen.kind is PlaceKind.SIGN_IN and not as_guest
            assert may_show(definition, participation, seen.key) is not hidden


@given(definitions(), st.booleans())
def test_after_the_entry_there_is_only_thanks(definition: Definition, with_answers: bool) -> None:
    answers = dict.fromkeys((place.key for place in places(definition)), "a") if with_answers else {}
    participation = replace(NOBODY_YET, entered_at=1, answers=answers)
    assert current(definition, participation).kind is PlaceKind.THANKS
    shown = [place.kind for place in places(definition) if may_show(definition, participation, place.key)]
    assert shown == [PlaceKind.THANKS]
    assert all(previous(definition, participation, place.key) is None for place in places(definition))


@given(definitions(), st.booleans())
def test_the_way_back_leads_to_the_nearest_place_that_can_be_shown(definition: Definition, as_guest: bool) -> None:
    for place, participation in way(definition, as_guest=as_guest):
        back = previous(definition, participation, place.key)
        if back is None:
            continue
        assert may_show(definition, participation, back.key)
        between = places(definition)[places(definition).index(back) + 1 : places(definition).index(place)]
        assert all(skipped.kind is PlaceKind.SIGN_IN for skipped in between)


@given(definitions(), st.booleans())
def test_the_way_on_undoes_the_way_back(definition: Definition, as_guest: bool) -> None:
    for place, participation in way(definition, as_guest=as_guest):
        back = previous(definition, participation, place.key)
        if back is not None:
            assert following(definition, participation, back.key) == place


@given(definitions(), st.booleans())
def test_progress_has_a_segment_for_each_question_and_one_for_the_details(
    definition: Definition, as_guest: bool
) -> None:
    questions = len(definition.questions)
    for place, participation in way(definition, as_guest=as_guest):
        segments = progress(definition, participation, place.key)
        number, total = number_of(definition, place.key)
        assert (len(segments), total) == (questions + 1, questions)
        at = {PlaceKind.QUESTION: number - 1, PlaceKind.SIGN_IN: questions, PlaceKind.FORM: questions}.get(place.kind)
        if at is None:
            assert set(segments) == ({"done"} if place.kind is PlaceKind.THANKS and definition.questions else
                                     {segments[-1]})  # fmt: skip
        else:
            assert segments == ("done",) * at + ("current",) + ("ahead",) * (questions - at)


def definition_of_two() -> Definition:
    values = small()
    values["steps"].insert(2, {"kind": "open_text", "key": "two", "title": "Two?"})
    return Definition.model_validate(values)


def test_who_goes_back_sees_where_they_are_and_what_is_done() -> None:
    participation = replace(NOBODY_YET, answers={"welcome": None, "one": "a", "two": "b"}, guest=True)
    definition = definition_of_two()
    assert progress(definition, participation, "one") == ("current", "done", "ahead")
    assert progress(definition, participation, SIGN_IN) == ("done", "done", "current")
    assert progress(definition, participation, "details") == ("done", "done", "current")
    assert progress(definition, replace(participation, entered_at=1), "thanks") == ("done", "done", "done")
    assert number_of(definition, "two") == (2, 2)
    assert number_of(definition, "details") == (0, 2)


def test_an_unknown_key_is_no_place() -> None:
    definition = definition_of_two()
    assert not may_show(definition, NOBODY_YET, "nowhere")
    assert following(definition, NOBODY_YET, "nowhere").key == "welcome"
