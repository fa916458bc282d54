"""`entracte serve`."""

import click
import uvloop

from entracte.cli.commands import main
from entracte.listening import listen
from entracte.settings import read_settings
from entracte.wiring import Program, configure_logs, server


@main.command()
def serve() -> None:
    """Serve campaigns, the OAuth service and the manager."""
    settings = read_settings()
    configure_logs(settings.log_format)
    listening = listen(settings.host, settings.port, setting="ENTRACTE_PORT")
    click.echo(f"Entracte listens on {settings.host}:{listening.port}, for {settings.public_url}.", err=True)
    program = Program(settings)
    program.check()
    uvloop.run(server(program).serve(sockets=[listening.socket]))
