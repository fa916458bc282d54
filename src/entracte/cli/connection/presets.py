"""`entracte connection presets`: the providers that are known."""

import click

from entracte.cli.connection.group import connection
from entracte.connections.presets import Preset, presets


@connection.command("presets")
@click.argument("name", default="")
def connection_presets(name: str) -> None:
    """List the presets, or show one: its parameters, what it sets, and what is special about the provider."""
    if name not in presets():
        for preset in presets().values():
            click.echo(f"{preset.name}\t{preset.title}\t{preset.issuer}")
        if name:
            raise click.BadParameter(f"There is no preset {name}.", param_hint="NAME")
        return
    _print(presets()[name])


def _print(preset: Preset) -> None:
    click.echo(f"{preset.name}\t{preset.title}\nissuer\t{preset.issuer}")
    for name, parameter in preset.parameters.items():
        left_out = "" if parameter.default is None else f" If left out: {parameter.default or 'nothing'}."
        click.echo(f"--preset-parameter {name}={parameter.example}\t{parameter.description}{left_out}")
    for name, value in preset.settings.items():
        click.echo(f"sets {name}\t{value}")
    for note in preset.notes:
        click.echo(f"- {note.text}" + (f" ({note.source})" if note.source else ""))
    if not preset.checked_live:
        click.echo("Not checked against a live server.")
