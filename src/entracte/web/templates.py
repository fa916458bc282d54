"""How templates become pages: one way for the participant's pages and the manager's.

Everything is escaped, and a name that is not there is a mistake. Texts are translated into the `language` that stands
in a template's values; a template that imports macros which say something does so `with context`.
"""

import re
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from entracte.web.translations import translations

FOLDER = Path(__file__).parent
"""Templates and styles are named by their path below this folder: `pages/take_part/question.html`."""


@pass_context
def _gettext(context: Context, message: str) -> str:
    return translations(context["language"]).gettext(message)


@pass_context
def _ngettext(context: Context, one: str, many: str, number: int) -> str:
    return translations(context["language"]).ngettext(one, many, number)


def new_environment() -> Environment:
    """An environment that lacks only what its own pages add. Templates are compiled once and kept."""
    made = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,
    )
    made.policies["ext.i18n.trimmed"] = True
    made.install_gettext_callables(_gettext, _ngettext, newstyle=True)  # type: ignore[attr-defined]
    made.globals["stylesheet"] = stylesheet
    return made


@lru_cache(maxsize=64)
def stylesheet(*files: str) -> Markup:
    """Our own stylesheets in one, without comments and needless white space, to stand inside a `<style>` element."""
    text = "".join((FOLDER / file).read_text(encoding="utf-8") for file in files)
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    text = re.sub(r"\s+", " ", text)
    return Markup(re.sub(r"\s*([{};,])\s*", r"\1", text))  # noqa: S704 - files of ours, never input
