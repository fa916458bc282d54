"""The campaign's own pages: start or resume, questions, form, thanks. Each handler reads, calls a use case, renders."""

from collections.abc import Mapping
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from entracte.campaigns.model import Form, MultipleChoice, Question, Step, Thanks, Welcome
from entracte.participation.form import ANSWER, FieldProblem
from entracte.participation.journey import SIGN_IN, current, following, may_show, previous
from entracte.participation.prefill import Offered, offer
from entracte.participation.signing_out import Watch
from entracte.participation.take_part import Playing, account_mark, may_prefill_opt_ins
from entracte.values import Json
from entracte.web.answers import page, see_other
from entracte.web.forms import first_values, read_form
from entracte.web.pages.take_part.views import (
    ACCOUNT_FIELD,
    AccountView,
    FieldView,
    Source,
    render_form,
    render_no_cookie,
    render_question,
    render_thanks,
    render_welcome,
)
from entracte.web.sentences import sentence
from entracte.web.visits import NotOpen, Services, Visit, at_campaign, kept_no_cookie, same_origin, start


def routes(services: Services) -> list[Route]:
    """The routes of a campaign, under its own address and under that of a frame."""

    return [
        Route("/c/{campaign}", at_campaign(services, _open_campaign), methods=["GET"]),
        Route("/c/{campaign}/", at_campaign(services, _drop_slash), methods=["GET"]),
    ] + [
        Route(f"{prefix}{path}", at_campaign(services, handler), methods=[method])
        for prefix in ("/c/{campaign}", "/c/{campaign}/in/{key}")
        for path, handler, method in (
            ("/guest", _take_part_as_guest, "POST"),
            ("/{step}", _show_step, "GET"),
            ("/{step}", _take_step, "POST"),
        )
    ]


async def _open_campaign(request: Request, seen: Visit) -> Response:
    """Begin to take part, or go on where this browser was."""
    if seen.playing is not None:
        return seen.to_current()
    if not seen.is_open:
        raise NotOpen(seen)
    seen = await start(seen)
    return await _show(seen, _playing(seen), current(seen.definition, _playing(seen).participation).key)


async def _drop_slash(request: Request, seen: Visit) -> Response:
    """The address with a slash behind it, as people type it."""
    return see_other(f"/c/{seen.definition.campaign}")


async def _show_step(request: Request, seen: Visit) -> Response:
    """One step: welcome, question, form or thanks."""
    if seen.playing is None:
        return see_other(f"/c/{seen.definition.campaign}")
    key = request.path_params["step"]
    if not may_show(seen.definition, seen.playing.participation, key):
        return seen.to_current()
    if not seen.is_open and seen.playing.participation.entered_at is None:
        raise NotOpen(seen)
    return await _show(seen, seen.playing, key)


async def _take_step(request: Request, seen: Visit) -> Response:
    """Keep an answer, or submit the form, and go on; 422 with the same page when something is wrong."""
    step = _step(seen, request.path_params["step"])
    if not same_origin(request, seen.services.public_url):
        return seen.to_current()
    if kept_no_cookie(request, seen.services):
        return page(render_no_cookie(seen.context()), seen.nonce, status=400)
    if step is None or seen.playing is None:
        return seen.to_current()
    if not may_show(seen.definition, seen.playing.participation, step.key):
        return seen.to_current()
    if not seen.is_open:
        raise NotOpen(seen)
    return await _take(request, seen, seen.playing, step)


async def _take_part_as_guest(request: Request, seen: Visit) -> Response:
    """Go on without an account, where the campaign allows it."""
    if seen.playing is None or not same_origin(request, seen.services.public_url):
        return seen.to_current()
    if not seen.is_open:
        raise NotOpen(seen)
    if not may_show(seen.definition, seen.playing.participation, SIGN_IN):
        return seen.to_current()
    await seen.services.take_part.take_part_as_guest(seen.playing)
    return see_other(seen.base)


async def _show(seen: Visit, playing: Playing, key: str) -> Response:
    """The page of a step that this participant may see."""
    step = _step(seen, key)
    if step is None:  # the sign-in has a page of its own
        return seen.to("sign-in")
    context, progress = seen.context(), seen.progress(key)
    if isinstance(step, Form):
        await seen.services.take_part.form_was_shown(playing)
        return _form(seen, playing, step, None, {}, await _watch(seen, playing))
    await seen.services.take_part.key_was_seen(playing)
    if isinstance(step, Welcome):
        return seen.page(render_welcome(context, progress, step))
    if isinstance(step, Thanks):
        entered = playing.participation.entered_at is not None
        return seen.page(render_thanks(context, progress, step, entered, _signed_in_at(seen, playing)))
    answer = playing.participation.answers.get(key)
    return seen.page(render_question(context, progress, step, answer, "", _back(seen, playing, key)))


async def _take(request: Request, seen: Visit, playing: Playing, step: Step) -> Response:
    """A step that was posted: kept, and on to the next; or shown again with what is wrong."""
    posted = await read_form(request)
    if isinstance(step, Form):
        typed = first_values(posted)
        if typed.get(ACCOUNT_FIELD, account_mark(playing.participation)) != account_mark(playing.participation):
            return await _of_another_account(seen, playing, typed)
        rejected = await seen.services.take_part.submit(playing, typed, seen.listed.connection)
        if rejected is None:
            return see_other(seen.base)
        return _form(seen, playing, step, rejected.typed, rejected.problems, await _watch(seen, playing))
    if isinstance(step, Thanks):
        return seen.to_current()
    problem = await seen.services.take_part.answer(playing, step, posted)
    if problem is None or isinstance(step, Welcome):
        return see_other(f"{seen.base}/{_next(seen, playing, step.key)}")
    answer = _as_typed(step, posted)
    html = render_question(
        seen.context(),
        seen.progress(step.key),
        step,
        answer,
        sentence(problem, seen.translate, seen.language),
        _back(seen, playing, step.key),
    )
    return seen.page(html, status=422)


async def _of_another_account(seen: Visit, playing: Playing, typed: Mapping[str, str]) -> Response:
    """The form was filled in from another account than the one that another tab has signed in meanwhile: it is shown
    again, for this account. A guest's own words go with them; another account's values do not."""
    if not typed[ACCOUNT_FIELD]:
        await seen.services.take_part.keep_draft(playing, typed, seen.listed.connection)
    return seen.to_current()


def _next(seen: Visit, playing: Playing, key: str) -> str:
    """The key of the place after an answer that was just kept."""
    answered = {**playing.participation.answers, key: playing.participation.answers.get(key) or True}
    return following(seen.definition, replace(playing.participation, answers=answered), key).key


def _form(
    seen: Visit,
    playing: Playing,
    form: Form,
    sent: Mapping[str, str] | None,
    problems: Mapping[str, FieldProblem],
    watch: Watch | None,
) -> Response:
    participation, connection = playing.participation, seen.listed.connection
    offered = offer(
        form,
        participation.profile,
        participation.draft,
        prefill_opt_ins=may_prefill_opt_ins(connection),
        sent=sent,
    )
    fields = [
        FieldView(
            field=field,
            value=offered[field.key].value,
            source=_source(offered[field.key]),
            locked=offered[field.key].locked,
            problem=sentence(problems[field.key], seen.translate, seen.language) if field.key in problems else "",
        )
        for field in form.fields
        if field.key in offered
    ]
    html = render_form(
        seen.context(),
        seen.progress(form.key),
        form,
        fields,
        title=_form_title(seen, playing, form),
        account=_account(seen, playing),
        account_mark=account_mark(participation),
        back=_back(seen, playing, form.key),
        connection_title=connection.config.title if connection else "",
        watch=watch,
    )
    return seen.page(html, status=422 if problems else 200, frames=[watch.origin] if watch else ())


async def _watch(seen: Visit, playing: Playing) -> Watch | None:
    """What the form asks the login's frame; for connections that do not watch nothing is asked of the store."""
    connection = seen.listed.connection
    return await seen.services.signing_out.watch(playing, connection) if connection else None


def _signed_in_at(seen: Visit, playing: Playing) -> str:
    """The login at which somebody is still signed in who can sign out; empty otherwise."""
    connection = seen.listed.connection
    if connection is None or playing.participation.profile is None or not connection.config.sign_out:
        return ""
    return connection.config.title


def _source(offered: Offered) -> Source:
    return "" if offered.source == "typed" else offered.source


def _form_title(seen: Visit, playing: Playing, form: Form) -> str:
    profile = playing.participation.profile
    first_name = str(profile.attributes.get("first_name") or "") if profile else ""
    if not first_name:
        return seen.definition.say(form.title_guest or form.title, seen.language).replace("{first_name}", "").strip()
    return seen.definition.say(form.title, seen.language).replace("{first_name}", first_name)


def _account(seen: Visit, playing: Playing) -> AccountView | None:
    profile, connection = playing.participation.profile, seen.listed.connection
    if profile is None or connection is None:
        return None
    names = [str(profile.attributes.get(name) or "") for name in ("first_name", "last_name")]
    initials = "".join(name[:1].upper() for name in names if name) or profile.account[:1].upper()
    return AccountView(
        label=profile.account,
        initials=initials,
        connection_title=connection.config.title,
        signs_out=connection.config.sign_out,
    )


def _back(seen: Visit, playing: Playing, key: str) -> str:
    place = previous(seen.definition, playing.participation, key)
    return f"{seen.base}/{place.key}" if place else ""


def _step(seen: Visit, key: str) -> Step | None:
    return next((step for step in seen.definition.steps if step.key == key), None)


def _as_typed(step: Question, posted: Mapping[str, list[str]]) -> Json:
    """What was typed, to be shown again."""
    typed = posted.get(ANSWER, [""])
    return list(typed) if isinstance(step, MultipleChoice) else typed[0]


def _playing(seen: Visit) -> Playing:
    if seen.playing is None:
        raise LookupError("the visit has no participation")
    return seen.playing
