"""Several processes on one socket: uvicorn's supervisor starts them, replaces one that dies, and passes a stop on.

Each process is a program of its own with its own writer; what they share is the database. A process whose supervisor
was killed ends by itself: nobody would ever stop it.
"""

import os
import signal
from multiprocessing import parent_process
from socket import socket
from tempfile import TemporaryDirectory
from threading import Thread

from starlette.applications import Starlette
from uvicorn.supervisors import Multiprocess

from entracte import measures
from entracte.settings import Settings, read_settings
from entracte.wiring import Program, configure_logs, server_config

PATIENCE = 60
"""Seconds after which a process that answers nothing is replaced. The time in which it starts counts too: with
uvicorn's own five, a machine that is busy kills each of them before it serves, and is busier for it."""


def serve_by_several(settings: Settings, listening: socket, workers: int) -> None:
    """Serve with so many processes until SIGTERM or SIGINT; then each finishes what it accepted."""
    config = server_config(make_application, settings)
    config.workers = workers
    config.timeout_worker_healthcheck = PATIENCE
    listening.set_inheritable(True)
    with TemporaryDirectory(prefix="entracte-metrics-") as folder:
        os.environ[measures.FOLDER] = folder  # the processes count together there
        Multiprocess(config, sockets=[listening]).run()


def make_application() -> Starlette:
    """The application of one of the processes, made in it: with the settings of the environment, as the first one."""
    settings = read_settings()
    configure_logs(settings.log_format)
    _end_with_the_supervisor()
    return Program(settings).app


def _end_with_the_supervisor() -> None:
    supervisor = parent_process()
    if supervisor is None:
        return

    def wait() -> None:
        supervisor.join()
        os.kill(os.getpid(), signal.SIGTERM)

    Thread(target=wait, name="entracte_supervisor", daemon=True).start()
