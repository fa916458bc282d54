"""What the libraries beneath were asked to do, as the interpreter tells it: no clock, and nothing in their place."""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from tests.protocol.refusals import outcome

LIBRARIES = ("joserfc", "cryptography", "_hashlib")
FAILED = "JoseError.__init__"
"""The library makes its exception: that something failed, not what was done."""


def steps(call: Callable[[], object]) -> list[str]:
    """The functions of the libraries in the order in which they were called, those written in C or Rust among them."""
    found: list[str] = []

    def look(frame: FrameType, event: str, called: Any) -> None:
        if event == "call" and _of_a_library(frame.f_globals.get("__name__")):
            found.append(frame.f_code.co_qualname)
        elif event == "c_call" and _of_a_library(called.__module__ or type(called.__self__).__module__):
            found.append(called.__qualname__)

    _watched(call, look)
    return [name for name in found if name != FAILED]


def content_keys(call: Callable[[], object]) -> list[bytes]:
    """The keys with which contents were decrypted."""
    found: list[bytes] = []

    def look(frame: FrameType, event: str, _called: Any) -> None:
        if event == "call" and is_content_decryption(frame.f_code.co_qualname):
            found.append(frame.f_locals["cek"])

    _watched(call, look)
    return found


def is_content_decryption(step: str) -> bool:
    return step in {"GCMEncModel.decrypt", "CBCHS2EncModel.decrypt"}


def _watched(call: Callable[[], object], look: Callable[[FrameType, str, Any], None]) -> None:
    sys.setprofile(look)
    try:
        outcome(call)
    finally:
        sys.setprofile(None)


def _of_a_library(module: Any) -> bool:
    return isinstance(module, str) and module.partition(".")[0] in LIBRARIES
