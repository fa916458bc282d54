import re

import pytest

from entracte.practice.brand_site import brand_site, content_security_policy
from entracte.practice.serving import serve
from tests.practice.visitor import Visitor

CAMPAIGNS = "http://127.0.0.1:8000"


def test_home_page_links_to_the_quiz() -> None:
    with serve(brand_site(CAMPAIGNS + "/")) as site:
        page = Visitor(site.url).send("/")
    assert page.status == 200
    assert f"{CAMPAIGNS}/c/summer-quiz" in page.links()
    assert "/win" in page.links()


def test_contest_stands_in_the_middle_of_the_article() -> None:
    with serve(brand_site(CAMPAIGNS)) as site:
        page = Visitor(site.url).send("/win").text
    place = page.index('<div data-entracte-campaign="festival-contest">')
    script = f'<script src="{CAMPAIGNS}/embed.js" async></script>'
    assert place < page.index(f'href="{CAMPAIGNS}/c/festival-contest"') < page.index(script)
    assert page[:place].count("<p>") >= 4
    assert page[page.index(script) :].count("<p>") >= 4


@pytest.mark.parametrize("path", ["/", "/win"])
def test_nothing_comes_from_other_hosts_but_the_campaign(path: str) -> None:
    with serve(brand_site(CAMPAIGNS)) as site:
        visitor = Visitor(site.url)
        page = visitor.send(path)
        loaded = re.findall(r'(?:src|<link[^>]*href)="([^"]+)"', page.text)
        assert all(address.startswith(("/static/", CAMPAIGNS)) for address in loaded)
        for address in loaded:
            if address.startswith("/"):
                assert visitor.send(address).status == 200
    assert page.headers["Content-Security-Policy"] == content_security_policy(CAMPAIGNS)


def test_policy_allows_script_and_frame_of_the_campaigns_only() -> None:
    policy = content_security_policy("https://play.example:8443/anything")
    assert "script-src https://play.example:8443;" in policy
    assert "frame-src https://play.example:8443;" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_address_of_the_campaigns_is_escaped() -> None:
    with serve(brand_site('http://127.0.0.1:8000/"><script>x')) as site:
        page = Visitor(site.url).send("/").text
    assert "<script>x" not in page
