"""What the participant sees around the sign-in: before, while, and when something went differently."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from entracte.protocol.errors import Reason
from entracte.web.html import PageContext, Progress, neutral_context, render
from entracte.web.translations import mark, translated, translated_plural


class MishapKind(Enum):
    """What went differently, as the participant knows it: (title, what happened and what it means)."""

    CANCELLED = (mark("You came back without signing in."), mark("That is fine."))
    PROVIDER_ERROR = (
        mark("The sign-in did not go through."),
        mark("The login answered that something went wrong there. You did nothing wrong."),
    )
    PROVIDER_UNREACHABLE = (
        mark("The login does not answer."),
        mark("We could not reach it just now. It may be back in a moment."),
    )
    PROVIDER_SLOW = (
        mark("The login took too long."),
        mark("We waited, and no answer came. A second try often works."),
    )
    PROOF_FAILED = (
        mark("Your sign-in could not be confirmed."),
        mark("What the login told us did not fit together, so we did not use it."),
    )
    STATE_UNREADABLE = (
        mark("This way back does not open."),
        mark("The address was cut short or changed on its way here. Your answers are kept where you gave them."),
    )
    EXPIRED = (
        mark("The sign-in took longer than it can stay open."),
        mark("For your safety it closes after a while. Signing in once more is quick."),
    )
    OTHER_BROWSER = (
        mark("You began in another browser."),
        mark("Your answers wait there: go back to it to go on. Or take part from the start here."),
    )
    ALREADY_USED = (
        mark("This sign-in was used already."),
        mark("That happens when a page is opened a second time."),
    )
    INTERRUPTED = (
        mark("The sign-in was cut off."),
        mark("Something stopped on our side just before the end. Signing in once more is quick."),
    )
    CHANGED = (
        mark("The sign-in was changed meanwhile."),
        mark("It was set up anew while you were at the login. Signing in once more is quick."),
    )
    PROFILE_INCOMPLETE = (
        mark("Your account told us too little."),
        mark("It holds no name that we can enter you by. Another account may work."),
    )
    OTHER_ACCOUNT = (
        mark("This account can not be used here."),
        mark("This campaign does not take it. You did nothing wrong, and another account may work."),
    )

    def __init__(self, title: str, text: str) -> None:
        self.title = title
        self.text = text


MISHAPS: Mapping[Reason, MishapKind] = MappingProxyType({
    Reason.STATE_MISSING: MishapKind.STATE_UNREADABLE,
    Reason.STATE_INVALID: MishapKind.STATE_UNREADABLE,
    Reason.STATE_EXPIRED: MishapKind.EXPIRED,
    Reason.STATE_FROM_FUTURE: MishapKind.STATE_UNREADABLE,
    Reason.STATE_UNKNOWN_KEY: MishapKind.STATE_UNREADABLE,
    Reason.PARAMETER_REPEATED: MishapKind.STATE_UNREADABLE,
    Reason.BROWSER_MISMATCH: MishapKind.OTHER_BROWSER,
    Reason.ATTEMPT_CONSUMED: MishapKind.ALREADY_USED,
    Reason.ATTEMPT_INTERRUPTED: MishapKind.INTERRUPTED,
    Reason.CONNECTION_CHANGED: MishapKind.CHANGED,
    Reason.ACCESS_DENIED: MishapKind.CANCELLED,
    Reason.PROVIDER_ERROR: MishapKind.PROVIDER_ERROR,
    Reason.RESPONSE_MIXED: MishapKind.PROOF_FAILED,
    Reason.ISSUER_MISMATCH: MishapKind.PROOF_FAILED,
    Reason.ISSUER_MISSING: MishapKind.PROOF_FAILED,
    Reason.PROVIDER_UNREACHABLE: MishapKind.PROVIDER_UNREACHABLE,
    Reason.PROVIDER_TIMEOUT: MishapKind.PROVIDER_SLOW,
    Reason.PROVIDER_BLOCKED: MishapKind.PROVIDER_UNREACHABLE,
    Reason.RESPONSE_REDIRECTED: MishapKind.PROVIDER_ERROR,
    Reason.RESPONSE_TOO_LARGE: MishapKind.PROVIDER_ERROR,
    Reason.RESPONSE_MALFORMED: MishapKind.PROVIDER_ERROR,
    Reason.TOKEN_REFUSED: MishapKind.PROVIDER_ERROR,
    Reason.CLIENT_REFUSED: MishapKind.PROVIDER_ERROR,
    Reason.TOKEN_TYPE: MishapKind.PROOF_FAILED,
    Reason.ID_TOKEN_MISSING: MishapKind.PROOF_FAILED,
    Reason.TOKEN_MALFORMED: MishapKind.PROOF_FAILED,
    Reason.TOKEN_ALGORITHM: MishapKind.PROOF_FAILED,
    Reason.TOKEN_KEY: MishapKind.PROOF_FAILED,
    Reason.TOKEN_SIGNATURE: MishapKind.PROOF_FAILED,
    Reason.TOKEN_ISSUER: MishapKind.PROOF_FAILED,
    Reason.TOKEN_AUDIENCE: MishapKind.PROOF_FAILED,
    Reason.TOKEN_EXPIRED: MishapKind.PROOF_FAILED,
    Reason.TOKEN_TOO_OLD: MishapKind.PROOF_FAILED,
    Reason.TOKEN_NONCE: MishapKind.PROOF_FAILED,
    Reason.TOKEN_SUBJECT: MishapKind.PROOF_FAILED,
    Reason.TOKEN_CLAIM: MishapKind.PROOF_FAILED,
    Reason.TOKEN_HASH: MishapKind.PROOF_FAILED,
    Reason.USERINFO_SUBJECT: MishapKind.PROOF_FAILED,
    Reason.USERINFO_REFUSED: MishapKind.PROVIDER_ERROR,
    Reason.JWKS_MALFORMED: MishapKind.PROVIDER_ERROR,
    Reason.METADATA_MALFORMED: MishapKind.PROVIDER_ERROR,
    Reason.METADATA_ISSUER: MishapKind.PROVIDER_ERROR,
    Reason.RESPONSE_MODE: MishapKind.PROOF_FAILED,
    Reason.RESPONSE_ADDRESS: MishapKind.PROOF_FAILED,
    Reason.PROVIDER_BUSY: MishapKind.PROVIDER_SLOW,
    Reason.PROVIDER_PAUSED: MishapKind.PROVIDER_UNREACHABLE,
    Reason.REQUEST_REFUSED: MishapKind.PROVIDER_ERROR,
    Reason.TOKEN_ENCRYPTION: MishapKind.PROOF_FAILED,
    Reason.TOKEN_REPLAYED: MishapKind.PROOF_FAILED,
    Reason.TOKEN_INACTIVE: MishapKind.PROOF_FAILED,
    Reason.TOKEN_EVENT: MishapKind.PROOF_FAILED,
    Reason.AUTHENTICATION_AGE: MishapKind.PROOF_FAILED,
    Reason.AUTHENTICATION_CONTEXT: MishapKind.PROOF_FAILED,
    Reason.METADATA_LACKS: MishapKind.PROVIDER_ERROR,
    Reason.REGISTRATION_REFUSED: MishapKind.PROVIDER_ERROR,
    Reason.CLAIM_SOURCE: MishapKind.PROOF_FAILED,
    Reason.PROFILE_INCOMPLETE: MishapKind.PROFILE_INCOMPLETE,
    Reason.ACCOUNT_NOT_ACCEPTED: MishapKind.OTHER_ACCOUNT,
})  # fmt: skip
"""Every reason of the log -> what the participant is told."""

TROUBLE = (
    mark("That did not work just now."),
    mark("It is not your doing. Go back and try it once more in a moment."),
)
TOO_OFTEN = (
    mark("Too many sign-ins at once."),
    mark("Your answers are safe. Wait a minute, then go back and try it once more."),
)
NOT_KEPT_NOW = (
    mark("We can not save anything just now."),
    mark(
        "Your answers so far are safe. The last one may be missing: wait a moment, then go back and send it once more."
    ),
)
TOO_MANY = "sign_ins_too_many"
STORE_CODES = frozenset({"store_busy", "store_slow", "store_unavailable"})
"""Problems of the store: whatever was answered before is kept, and what was sent with this request may not be."""


@dataclass(frozen=True, slots=True)
class Mishap:
    """A sign-in that went differently, and the ways on.

    `retry` offers the sign-in again, also with another account; `guests` the way without one; `start` is the address
    of the campaign, or empty. `short_code` is what the participant may quote.
    """

    reason: Reason
    short_code: str
    answers_count: int = 0
    retry: bool = False
    guests: bool = False
    start: str = ""


@dataclass(frozen=True, slots=True)
class Way:
    """One way on: a form that posts, or a link."""

    words: str
    address: str
    post: bool = False
    target: str = ""
    kind: str = "link"

    @property
    def look(self) -> str:
        return "link" if self.kind == "link" else f"button {self.kind}"


def render_sign_in(
    context: PageContext,
    progress: Progress,
    *,
    connection_title: str,
    title: str,
    message: str,
    button: str,
    tells: str,
    answers_count: int,
    guests: bool,
    popup: bool,
) -> str:
    """Where the participant goes and that they come back, before they press. An empty text is ours; `tells` has none
    of ours, because only the campaign knows what the brand's login tells."""
    language, names = context.language, {"connection": connection_title}
    return render(
        "pages/sign_in/sign_in.html",
        language,
        page=context,
        progress=progress,
        title=title or translated(language, mark("Sign in, and your entry is in.")),
        message=message or _message(language, connection_title, answers_count),
        button=button or translated(language, mark("Continue with %(connection)s"), **names),
        tells=tells,
        guests=guests,
        popup=popup,
    )


def render_mishap(
    context: PageContext | None,
    progress: Progress | None,
    *,
    mishap: Mishap,
    nonce: str = "",
    ways: Sequence[str] = (),
    language: str = "en",
    fragment: str = "",
) -> str:
    """One calm page. Without a context nobody knows whose campaign it was: `nonce`, `language` and `ways`, the names
    of campaigns that this browser takes part in, stand in for it. `fragment` is where a script posts an answer that
    stands behind the `#` of the address; empty: there is none."""
    page = context or neutral_context(language, nonce)
    kind = MISHAPS[mishap.reason]
    returns = _returns(page.language, ways)
    return render(
        "pages/sign_in/mishap.html",
        page.language,
        page=page,
        progress=progress,
        title=translated(page.language, kind.title),
        text=_mishap_text(page, kind, mishap),
        ways=returns or _ways(page, mishap),
        ways_are_campaigns=bool(returns),
        short_code=mishap.short_code,
        kept=mishap.answers_count > 0,
        fragment=fragment,
    )


def render_trouble(*, nonce: str, language: str, code: str) -> str:
    """A mistake of ours, or a request that can not be served now. `code` is the problem's stable code."""
    title, text = TOO_OFTEN if code == TOO_MANY else NOT_KEPT_NOW if code in STORE_CODES else TROUBLE
    return render(
        "pages/sign_in/mishap.html",
        language,
        page=neutral_context(language, nonce),
        progress=None,
        title=translated(language, title),
        text=translated(language, text),
        ways=(),
        ways_are_campaigns=False,
        short_code=code,
        kept=False,
        fragment="",
    )


def render_moment(context: PageContext, progress: Progress) -> str:
    """Shown while the first return of this sign-in is still being worked on; it loads itself again at once."""
    language = context.language
    return render(
        "pages/sign_in/moment.html",
        language,
        page=context,
        progress=progress,
        title=translated(language, mark("One moment.")),
        text=translated(language, mark("We are finishing your sign-in.")),
    )


def render_popup_done(context: PageContext, *, handle: str, opener_origin: str, continue_href: str) -> str:
    """The end of a sign-in in a pop-up: tells the window that opened it the one-time `handle`, at exactly
    `opener_origin`, and closes. `continue_href` is the way on where there is no such window any more."""
    language = context.language
    return render(
        "pages/sign_in/popup_done.html",
        language,
        page=context,
        progress=None,
        title=translated(language, mark("Back to the campaign.")),
        text=translated(language, mark("This window closes by itself. If it stays open, go on here.")),
        handle=handle,
        opener_origin=opener_origin,
        continue_href=continue_href,
    )


def _message(language: str, connection_title: str, answers_count: int) -> str:
    there_and_back = mark(
        "You go to %(connection)s for a moment to sign in or make an account, and come straight back here."
    )
    sentences = [translated(language, there_and_back, connection=connection_title)]
    if answers_count:
        waiting = translated_plural(
            language, "Your answer waits for you.", "Your %(number)s answers wait for you.", answers_count
        )
        sentences.append(waiting)
    return " ".join(sentences)


def _mishap_text(page: PageContext, kind: MishapKind, mishap: Mishap) -> str:
    return f"{translated(page.language, kind.text)} {_nothing_lost(page.language, mishap)}".strip()


def _nothing_lost(language: str, mishap: Mishap) -> str:
    if mishap.answers_count:
        return translated_plural(
            language,
            "Your answer is safe, and you can go on whenever you like.",
            "Your %(number)s answers are safe, and you can go on whenever you like.",
            mishap.answers_count,
        )
    if mishap.retry or mishap.guests:
        return translated(language, mark("Nothing is lost, and you can go on whenever you like."))
    return ""


def _returns(language: str, names: Sequence[str]) -> list[Way]:
    words = mark("Go on with %(campaign)s")
    return [Way(translated(language, words, campaign=name), f"/c/{name}", kind="second") for name in names]


def _ways(page: PageContext, mishap: Mishap) -> list[Way]:
    """The ways on, the best one first: it is the one primary button. The same account would fare no better, where
    it was the account."""
    target = "_top" if page.embedded else ""
    same = mishap.retry and MISHAPS[mishap.reason] is not MishapKind.OTHER_ACCOUNT
    offered = (
        (same, Way(mark("Try again"), f"{page.base}/sign-in", True, target, "second")),
        (mishap.retry, Way(mark("Use another account"), f"{page.base}/sign-in?another=1", True, target, "second")),
        (bool(mishap.start), Way(mark("Go on to the campaign"), mishap.start, kind="second")),
        (mishap.guests, Way(mark("Take part without an account"), f"{page.base}/guest", True)),
    )
    ways = [way for is_offered, way in offered if is_offered]
    return [_translated_way(page.language, way, primary=number == 0) for number, way in enumerate(ways)]


def _translated_way(language: str, way: Way, *, primary: bool) -> Way:
    kind = "primary" if primary else way.kind
    return Way(translated(language, way.words), way.address, way.post, way.target, kind)
