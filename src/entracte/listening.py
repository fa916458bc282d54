"""Takes a port of this machine before anything is served on it, so that what must know its own address can be made
after it."""

import errno
import socket
from dataclasses import dataclass

from entracte.errors import Kind, LocalError, Problem

_REFUSALS = {
    errno.EADDRINUSE: ("port_taken", "Port {port} on {host} is taken by another program."),
    errno.EACCES: ("port_not_allowed", "This account may not listen on port {port} of {host}."),
    errno.EADDRNOTAVAIL: ("host_not_here", "{host} is not an address of this machine, so nothing can listen there."),
}


@dataclass(frozen=True)
class Listening:
    """A port that is ours already, with nobody answering yet."""

    socket: socket.socket
    url: str
    port: int

    def close(self) -> None:
        self.socket.close()


def listen(host: str = "127.0.0.1", port: int = 0, *, name: str = "", setting: str = "") -> Listening:
    """Takes a port; 0 takes any free one. `name` is the host name in the URL, when it differs from `host`; `setting` is
    what the operator sets to choose another port.

    :raises LocalError: `port_taken`, `port_not_allowed`, `host_not_here`, `port_not_usable`.
    """
    taken = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((host, port))
        taken.listen(128)
    except (OSError, OverflowError) as error:
        taken.close()
        raise LocalError(_refusal(error, host, port, setting)) from error
    real_port = int(taken.getsockname()[1])
    return Listening(taken, f"http://{name or host}:{real_port}", real_port)


def _refusal(error: Exception, host: str, port: int, setting: str) -> Problem:
    number = getattr(error, "errno", None)
    code, message = _REFUSALS.get(number or 0, ("port_not_usable", "Nothing can listen on port {port} of {host}."))
    hint = "Stop the program that has it, or choose another port; 0 takes any free one."
    if setting:
        hint = f"Stop the program that has it, or choose another port with {setting}."
    return Problem(Kind.CONFLICT, code, message.format(host=host, port=port), hint, setting or "port")
