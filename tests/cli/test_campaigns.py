"""`entracte campaign`: drafts, and closing by hand."""

import pytest

from entracte.campaigns.drafts import text_of
from tests.campaigns.definitions import small
from tests.test_cli import Shell

FILE = text_of(small(sign_in=None))


def write(shell: Shell, text: str) -> str:
    file = shell.folder / "small.yaml"
    file.write_text(text)
    return str(file)


def test_a_draft_from_unfinished_to_published(shell: Shell) -> None:
    told = shell.says("campaign", "draft", "save", "small", write(shell, "campaign: small\ncolour: red\n"))
    assert "revision 1" in told
    assert "line 2: colour:" in told
    assert "[campaign_unknown_key]" in told
    refused = shell.refuses("campaign", "draft", "publish", "small")
    assert refused.count("entracte:") >= 3
    assert "[campaign_unknown]" in shell.refuses("campaign", "show", "small")
    told = shell.says("campaign", "draft", "save", "small", write(shell, FILE))
    assert "revision 2" in told
    assert "It can be published." in told
    assert "small\trevision 2" in shell.says("campaign", "draft", "list")
    assert shell.says("campaign", "draft", "show", "small") == FILE
    assert "version 1" in shell.says("campaign", "draft", "publish", "small")
    assert "It can be published." in shell.says("campaign", "draft", "check", "small")
    shell.says("campaign", "draft", "remove", "small")
    assert "[campaign_draft_unknown]" in shell.refuses("campaign", "draft", "show", "small")
    assert "status\topen" in shell.says("campaign", "show", "small")


def test_a_campaign_is_closed_and_reopened(shell: Shell) -> None:
    shell.says("campaign", "publish", write(shell, FILE))
    shell.says("campaign", "close", "small")
    shown = shell.says("campaign", "show", "small")
    assert "status\tclosed" in shown
    assert "\nclosed\t20" in shown
    assert "version 1\tpublished 20" in shown
    assert "small is open." in shell.says("campaign", "reopen", "small")
    assert "status\topen" in shell.says("campaign", "show", "small")


@pytest.mark.parametrize("command", ["show", "close", "reopen", "draft show", "draft check", "draft publish"])
def test_the_campaigns_of_others_are_not_there(shell: Shell, command: str) -> None:
    file = write(shell, FILE)
    shell.says("campaign", "publish", file)
    shell.says("campaign", "draft", "save", "small", file)
    for name in ("small", "nobodys"):
        told = shell.refuses("campaign", *command.split(), name, "--organization", "contoso")
        assert told.replace(name, "X") in (
            "entracte: There is no campaign X. [campaign_unknown]\n",
            "entracte: There is no draft X. [campaign_draft_unknown]\n",
        )
