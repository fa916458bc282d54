"""`entracte connection`: two secrets, what is shown, and what can be removed."""

from ruamel.yaml import YAML

from tests.journeys.quiz import QUIZ
from tests.misbehaving_provider import served_misbehaving_provider
from tests.test_cli import SECRET, Shell

NAMED = ("--title", "Northwind", "--client-id", "x")
ENDPOINTS = (
    *("--scope", "profile", "--authorization-endpoint", "https://login.example/a"),
    *("--token-endpoint", "https://login.example/t", "--userinfo-endpoint", "https://login.example/u"),
)


def add(shell: Shell, name: str) -> None:
    shell.says("connection", "add", name, *NAMED, *ENDPOINTS, ENTRACTE_CLIENT_SECRET=SECRET)


def test_a_secret_is_changed_without_a_moment_with_none(shell: Shell) -> None:
    add(shell, "rotated")

    def places() -> list[str]:
        return [line.split("\t")[0] for line in shell.says("connection", "secret", "list", "rotated").splitlines()]

    assert places() == ["current"]
    assert "[connection_secret_last]" in shell.refuses("connection", "secret", "remove", "rotated", "current")
    assert "[connection_secret_unknown]" in shell.refuses("connection", "secret", "remove", "rotated", "previous")
    again = {"ENTRACTE_CLIENT_SECRET": SECRET}
    shell.says("connection", "secret", "add", "rotated", **again)
    assert places() == ["current", "previous"]
    told = shell.refuses("connection", "secret", "add", "rotated", **again)
    assert "[connection_secrets_full]" in told
    shell.says("connection", "secret", "add", "rotated", "--replace-previous", **again)
    shell.says("connection", "secret", "remove", "rotated", "previous")
    assert places() == ["current"]
    told = shell.refuses("connection", "secret", "add", "rotated", ENTRACTE_CLIENT_SECRET="two\nlines")
    assert "[connection_secret_malformed]" in told
    assert "two" not in told


def test_a_connection_is_shown_without_its_secret(shell: Shell) -> None:
    add(shell, "shown")
    shown = YAML(typ="safe", pure=True).load(shell.says("connection", "show", "shown"))
    assert shown["token_endpoint"] == "https://login.example/t"
    assert shown["profile_source"] == "userinfo"
    assert shown["mix_up_defence"] is False
    [secret] = shown["secrets"]
    assert secret["place"] == "current"
    assert set(secret) == {"place", "added_at"}


def test_a_connection_that_a_campaign_uses_stays(shell: Shell) -> None:
    with served_misbehaving_provider() as provider:
        shell.says("connection", "add", "northwind", *NAMED, "--issuer", provider.issuer, ENTRACTE_CLIENT_SECRET=SECRET)
    file = shell.folder / "quiz.yaml"
    file.write_text(QUIZ)
    shell.says("campaign", "publish", str(file))
    told = shell.refuses("connection", "remove", "northwind")
    assert "[connection_in_use]" in told
    assert "quiz" in told
    add(shell, "unused")
    assert "unused" in shell.says("connection", "remove", "unused")
    assert "unused" not in shell.says("connection", "list")


def test_the_connections_of_others_are_not_there(shell: Shell) -> None:
    add(shell, "mine")
    for command in (
        ("show", "mine"), ("remove", "mine"), ("secret", "list", "mine"), ("secret", "add", "mine"),
        ("secret", "remove", "mine", "current"),
    ):  # fmt: skip
        for name in ("mine", "nobodys"):
            arguments = [name if word == "mine" else word for word in command]
            told = shell.refuses("connection", *arguments, "--organization", "contoso", ENTRACTE_CLIENT_SECRET=SECRET)
            assert told == f"entracte: There is no connection {name}. [connection_unknown]\n"
