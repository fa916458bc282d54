"""What the sign-in page shows."""

from dataclasses import dataclass
from math import ceil

from entracte.errors import LocalError
from entracte.organizations.throttle import TooManyAttempts
from entracte.web.manage_layout.rendering import Frame, render
from entracte.web.translations import translated, translated_plural


@dataclass(frozen=True, slots=True)
class SignInPage:
    """`problem` and `hint` say what went wrong the last time, in the member's language; both empty at first. `next` is
    where the member wanted to go."""

    next: str
    email: str = ""
    problem: str = ""
    hint: str = ""


def refused(language: str, error: LocalError, wanted: str, email: str) -> SignInPage:
    """The page after signing in did not work."""
    if isinstance(error, TooManyAttempts):
        problem = translated(language, "Signing in failed too often.")
        return SignInPage(wanted, email, problem, _wait(language, ceil(error.retry_after / 60)))
    problem = translated(language, "The e-mail address and the password do not go together.")
    return SignInPage(wanted, email, problem, translated(language, "Check both and try again."))


def _wait(language: str, minutes: int) -> str:
    return translated_plural(
        language, "Wait a minute and try again.", "Wait %(number)s minutes and try again.", minutes
    )


def render_sign_in(view: SignInPage, frame: Frame) -> str:
    return render("pages/manage_sign_in/sign_in.html", frame, view=view)
