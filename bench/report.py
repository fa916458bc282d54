"""The figures of a run, as a table and as JSON."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from statistics import median

REFERENCE = "mod_auth_openidc"


@dataclass
class Figures:
    """Of one system: one value per round, CPU in milliseconds per sign-in, time in milliseconds per request."""

    name: str
    sign_in: list[float] = field(default_factory=list)
    database: list[float] = field(default_factory=list)
    participation: list[float] = field(default_factory=list)
    rate: list[float] = field(default_factory=list)
    """Sign-ins in a second: of use where the cores are not the driver's too."""
    p50: float = 0
    p99: float = 0
    whole_p50: float = 0
    whole_p99: float = 0
    memory: float = 0
    missing: str = ""

    @property
    def cpu(self) -> float:
        return median(self.sign_in)


HEAD = (
    "| system | CPU ms per sign-in | ratio | the database's own beside it | a whole participation, in sign-ins | "
    "p50 / p99 of a request, ms | p50 / p99 of our part of a sign-in, ms | memory MiB |\n"
    "| --- | --- | --- | --- | --- | --- | --- | --- |\n"
)


def table(everybody: Sequence[Figures]) -> str:
    """In Markdown."""
    reference = next((one.cpu for one in everybody if one.name == REFERENCE and one.sign_in), None)
    return HEAD + "".join(_line(one, reference) for one in everybody)


def _line(one: Figures, reference: float | None) -> str:
    if one.missing:
        return f"| {one.name} | not measured: {one.missing} | | | | | | |\n"
    ratio = f"{one.cpu / reference:.2f}" if reference else "no reference"
    database = f"{median(one.database):.2f}" if one.database else ""
    whole = f"{median(one.participation) / one.cpu:.1f}" if one.participation else ""
    return (
        f"| {one.name} | {one.cpu:.2f} | {ratio} | {database} | {whole} | {one.p50:.1f} / {one.p99:.1f} | "
        f"{one.whole_p50:.0f} / {one.whole_p99:.0f} | {one.memory:.0f} |\n"
    )


SCALE_HEAD = (
    "| store | CPU ms per sign-in | ratio to the first | the database's own beside it | sign-ins per second | "
    "memory MiB |\n| --- | --- | --- | --- | --- | --- |\n"
)


def scale_table(everybody: Sequence[Figures]) -> str:
    """In Markdown; the first is the measure of the others."""
    first = everybody[0].cpu if everybody[0].sign_in else None
    return SCALE_HEAD + "".join(_scale_line(one, first) for one in everybody)


def _scale_line(one: Figures, first: float | None) -> str:
    if one.missing:
        return f"| {one.name} | not measured: {one.missing} | | | | |\n"
    ratio = f"{one.cpu / first:.2f}" if first else ""
    database = f"{median(one.database):.2f}" if one.database else ""
    return f"| {one.name} | {one.cpu:.2f} | {ratio} | {database} | {median(one.rate):.0f} | {one.memory:.0f} |\n"


def as_json(everybody: Sequence[Figures]) -> list[dict[str, object]]:
    return [asdict(one) for one in everybody]


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of all is not above."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
