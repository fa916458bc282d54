"""A little server for the scripts of pages: it serves what a test puts there, our assets, and writes down what it is
asked. Every name in `.localhost` is this server, so that one of it is a brand's site and another one ours."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from entracte.web.assets import ASSETS

POLICY = (
    "default-src 'none'; style-src 'nonce-N0nce'; script-src 'self'; img-src 'self' data:; base-uri 'none'; "
    "frame-ancestors *"
)
"""What our own pages are sent with."""

Page = Callable[["Asked"], str]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: `target` is the path with its query, `body` what a form posted."""

    method: str
    host: str
    target: str
    body: str

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


@dataclass
class LittleSite:
    """`pages` are by path; a text that starts with `/` is where a path is sent on to. The host `play` has our CSP."""

    port: int = 0
    pages: dict[str, Page] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def origin(self, name: str) -> str:
        return f"http://{name}.localhost:{self.port}"

    def put(self, path: str, html: str) -> None:
        self.pages[path] = lambda _: html

    def paths(self, start: str = "/c/") -> list[str]:
        return [asked.path for asked in self.asked if asked.path.startswith(start)]

    def posts(self) -> list[tuple[str, str]]:
        return [(asked.target, asked.body) for asked in self.asked if asked.method == "POST"]

    def answer(self, asked: Asked) -> tuple[int, dict[str, str], bytes]:
        name = asked.path.rpartition("/")[2]
        if asked.path in (f"/assets/{name}", "/embed.js") and name in ASSETS:
            return 200, {"Content-Type": ASSETS[name].media_type}, ASSETS[name].body
        self.asked.append(asked)
        page = self.pages.get(asked.path)
        html = page(asked) if page else "<!doctype html><title>nothing</title>"
        if html.startswith("/"):
            return 303, {"Location": html}, b""
        headers = {"Content-Type": "text/html; charset=utf-8"}
        if asked.host.startswith("play."):
            headers |= {"Content-Security-Policy": POLICY, "Referrer-Policy": "same-origin"}
        return 200 if page else 404, headers, html.encode()


@contextmanager
def serving() -> Iterator[LittleSite]:
    """The server, on a free port of loopback, until the end of the block."""
    site = LittleSite()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            asked = Asked(self.command, self.headers["Host"], self.path, body)
            status, headers, content = site.answer(asked)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET  # noqa: N815 - the name that http.server calls

        def log_message(self, *_: object) -> None:
            """Says nothing: the tests look at `asked`."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        site.port = server.server_port
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield site
        finally:
            server.shutdown()
            thread.join()
