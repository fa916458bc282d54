"""What stands in the frame when the campaign can not be played there."""

from entracte.web.html import PageContext, render
from entracte.web.translations import mark, translated


def render_not_framed(context: PageContext, *, address: str) -> str:
    """The campaign is not played in the page that frames it: it opens by itself, in a window of its own."""
    language = context.language
    return render(
        "pages/embed/not_framed.html",
        language,
        page=context,
        progress=None,
        title=context.campaign_title,
        text=translated(language, mark("It opens in a window of its own.")),
        address=address,
    )
