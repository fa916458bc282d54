"""A folder and an environment with tables and an organization, in which commands are typed."""

import pytest

from tests.test_cli import Shell


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    shell = Shell(tmp_path_factory.mktemp("cli"))
    shell.says("migrate")
    for name in ("northwind", "contoso"):
        shell.says("organization", "add", name, "--title", name.title())
    shell.environment["ENTRACTE_ORGANIZATION"] = "northwind"
    return shell
