"""`entracte serve`."""

import click
import uvloop

from entracte.cli.commands import main
from entracte.listening import listen
from entracte.serving import serve_by_several
from entracte.settings import read_settings
from entracte.wiring import Program, configure_logs, server


@main.command()
@click.option(
    "--workers",
    envvar="ENTRACTE_WORKERS",
    default=1,
    type=click.IntRange(1, 64),
    show_default=True,
    help="Processes that serve; about one for each core. One that dies is replaced.",
)
def serve(workers: int) -> None:
    """Serve campaigns, the OAuth service and the manager."""
    settings = read_settings()
    configure_logs(settings.log_format)
    listening = listen(settings.host, settings.port, setting="ENTRACTE_PORT")
    click.echo(f"Entracte listens on {settings.host}:{listening.port}, for {settings.public_url}.", err=True)
    program = Program(settings)
    program.check()
    if workers > 1:
        program.close()
        serve_by_several(settings, listening.socket, workers)
    else:
        uvloop.run(server(program).serve(sockets=[listening.socket]))
