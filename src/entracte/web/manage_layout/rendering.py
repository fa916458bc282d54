"""The Jinja environment of the manager, and how numbers, shares, durations and days are written in each language.

A number is written one way only, so that it can be compared wherever it stands: a share always has one decimal, and
a share that is not nothing is never written as nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache

from babel import Locale
from babel.dates import format_skeleton
from babel.numbers import format_decimal, format_percent
from jinja2 import Environment, pass_context
from jinja2.runtime import Context

from entracte.web.templates import new_environment
from entracte.web.translations import translated

NOTHING = "\N{EN DASH}"


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around every page: in which language it is, whose manager it is, and where one is in it. Nobody
    signed in: empty texts."""

    nonce: str
    language: str
    organization_title: str = ""
    email: str = ""
    room: str = ""


def render(template: str, frame: Frame, **values: object) -> str:
    """One page. Raises jinja2.UndefinedError when the template names a value that is not given."""
    return environment().get_template(template).render(frame=frame, language=frame.language, **values)


def _in_language(write: Callable[..., str]) -> Callable[..., str]:
    """A filter that writes a value in the language of the page."""

    @pass_context
    def written(context: Context, *values: object) -> str:
        return write(context["language"], *values)

    return written


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The one environment of the manager's pages."""
    made = new_environment()
    made.filters.update({write.__name__: _in_language(write) for write in (number, share, duration, day, moment)})
    made.filters.update(iso=iso, bar=bar)
    return made


@lru_cache(maxsize=16)
def _locale(language: str) -> Locale:
    """English is Europe's, as on the participants' pages: the day stands before the month."""
    return Locale("en", "GB") if language == "en" else Locale.parse(language, sep="-")


def number(language: str, value: int) -> str:
    """`18,402`."""
    return format_decimal(value, locale=_locale(language))


def share(language: str, value: float | None) -> str:
    """`53.7%`, with a dash for no share at all. `< 0.1%` and `> 99.9%` keep something from looking like nothing and
    nearly all from looking like all."""
    if value is None:
        return NOTHING
    if 0 < value < 0.001:
        return f"< {_percent(language, 0.001)}"
    if 0.999 < value < 1:
        return f"> {_percent(language, 0.999)}"
    return _percent(language, value)


def _percent(language: str, value: float) -> str:
    locale = _locale(language)
    whole_percents: str = locale.percent_formats[None].pattern
    return format_percent(value, format=whole_percents.replace("0", "0.0", 1), locale=locale)


def bar(value: float | None) -> str:
    """The width of a bar, for an attribute: `53.67%`. Never wider than the whole."""
    return f"{min(value or 0.0, 1.0) * 100:.2f}%"


def duration(language: str, seconds: int | None) -> str:
    """`21 s`, `3 min 5 s`, with a dash for none."""
    if seconds is None:
        return NOTHING
    if seconds < 120:
        return translated(language, "%(seconds)s s", seconds=seconds)
    minutes, rest = divmod(seconds, 60)
    return translated(language, "%(minutes)s min %(seconds)s s", minutes=minutes, seconds=rest)


def day(language: str, value: date, today: date) -> str:
    """`30 Nov`; with the year when it is not this one."""
    return format_skeleton("MMMd" if value.year == today.year else "yMMMd", value, locale=_locale(language))


def moment(language: str, seconds: int) -> str:
    """`23 Nov, 16:10`, in UTC."""
    at, locale = datetime.fromtimestamp(seconds, UTC), _locale(language)
    time_of_day, on_day = (format_skeleton(skeleton, at, locale=locale) for skeleton in ("Hm", "MMMd"))
    return str(locale.datetime_formats["medium"]).format(time_of_day, on_day)


def iso(seconds: int) -> str:
    """`2026-11-23T16:10:04Z`."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
