"""`entracte token`: made, listed and revoked by an operator."""

from tests.test_cli import Shell


def test_a_token_is_printed_once_and_alone(shell: Shell) -> None:
    done = shell.run("token", "create", "nightly export", "--scope", "entries:read", "--days", "7")
    assert done.returncode == 0, done.stderr
    [text] = done.stdout.splitlines()
    assert text.startswith("entracte_")
    assert text not in done.stderr
    [line] = [line for line in shell.says("token", "list").splitlines() if "nightly export" in line]
    assert line.split("\t")[3] == "entries:read"
    assert "valid until" in line
    assert text not in line


def test_a_token_is_revoked(shell: Shell) -> None:
    shell.says("token", "create", "short", "--all-scopes")
    [line] = [line for line in shell.says("token", "list").splitlines() if "\tshort\t" in line]
    number = line.split("\t")[0]
    assert "tokens:write" in line
    shell.says("token", "revoke", number)
    [line] = [line for line in shell.says("token", "list").splitlines() if "\tshort\t" in line]
    assert "revoked on" in line
    assert "[token_unknown]" in shell.refuses("token", "revoke", number, "--organization", "contoso")


def test_what_can_not_be_made(shell: Shell) -> None:
    assert "[token_name_malformed]" in shell.refuses("token", "create", "  ", "--scope", "entries:read")
    for wrong in ((), ("--scope", "everything"), ("--scope", "entries:read", "--days", "367")):
        assert shell.run("token", "create", "x", *wrong).returncode == 2


def test_the_title_of_an_organization(shell: Shell) -> None:
    shell.says("organization", "title", "Contoso Travel", "--organization", "contoso")
    assert "contoso\tContoso Travel" in shell.says("organization", "list")
    assert "[organization_title_malformed]" in shell.refuses("organization", "title", " ")
