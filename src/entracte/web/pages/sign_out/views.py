"""What the participant sees after a sign-out that names no campaign of ours."""

from entracte.web.html import neutral_context, render
from entracte.web.translations import mark, translated


def render_signed_out(*, nonce: str, language: str) -> str:
    """Signed out, and nobody knows from where: there is nothing left to do."""
    return render(
        "pages/sign_out/signed_out.html",
        language,
        page=neutral_context(language, nonce),
        progress=None,
        title=translated(language, mark("You are signed out.")),
        text=translated(language, mark("You can close this window, or go back to where you came from.")),
    )
