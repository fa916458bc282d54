"""The demo brand's site: Northwind Radio. Its home page links to a campaign; its article has one embedded.

It stands for the pages of a customer, so it uses only what a customer is told to use: a link, and the embed script.
"""

from urllib.parse import urlsplit

from flask import Flask, Response, render_template

QUIZ = "summer-quiz"
CONTEST = "festival-contest"


def brand_site(entracte_url: str) -> Flask:
    """The site as a WSGI application; `entracte_url` is where the campaigns are served, without a path."""
    base = entracte_url.rstrip("/")
    app = Flask(__name__, static_folder="static/brand", static_url_path="/static")
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}

    def home() -> str:
        return render_template("brand/home.html", quiz_url=f"{base}/c/{QUIZ}")

    def win() -> str:
        return render_template(
            "brand/win.html", campaign=CONTEST, embed_url=f"{base}/embed.js", contest_url=f"{base}/c/{CONTEST}"
        )

    def add_headers(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = content_security_policy(base)
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "strict-origin-when-cross-origin"
        return response

    app.add_url_rule("/", view_func=home)
    app.add_url_rule("/win", view_func=win)
    app.after_request(add_headers)
    return app


def content_security_policy(entracte_url: str) -> str:
    """Everything from the site itself, and the campaign's script and frame from where the campaigns are."""
    address = urlsplit(entracte_url)
    campaigns = f"{address.scheme}://{address.netloc}"
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {campaigns}",
            f"frame-src {campaigns}",
            f"connect-src {campaigns}",
            "style-src 'self'",
            "img-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'self'",
        )
    )
