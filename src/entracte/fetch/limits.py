"""What one request may cost, and all of them together."""

from dataclasses import dataclass

LOOKUPS = 64
"""Names that are looked up at once: a lookup of the system holds a thread, and can not be stopped."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may cost. Times in seconds, sizes in bytes."""

    resolve: float = 3.0
    connect: float = 2.0
    tls: float = 3.0
    first_byte: float = 5.0
    """Also the longest silence within an answer."""
    total: float = 10.0
    """Wall clock, from the call to the last byte, waiting for a free connection included."""
    body: int = 1024 * 1024
    """After decompression."""
    header_line: int = 8 * 1024
    header_lines: int = 64
    idle: float = 4.0
    """How long a connection is kept for reuse: under the 5 seconds after which common servers close theirs, so
    that a POST seldom meets a connection that has just died."""
    connections: int = 512
    """The bulkheads in front (`connections.bulkheads`) let fewer through, so that hanging servers never hold all."""
    connections_per_host: int = 64
    """One server that hangs holds no more than these."""
    lookups: int = LOOKUPS
    lookups_per_domain: int = 4
    """Names of one domain that are looked up at once: a name server that hangs holds no more than these."""
    lookups_per_asker: int = 8
    """Different names that are looked up at once for one organization: with many domains that hang it holds no more
    than these, and leaves the others to everybody else."""
    lookup_patience: float = 1.0
    """How long a name waits for a place, for bursts."""


USUAL = Limits()
"""Those of the protocol (MUST 41)."""
