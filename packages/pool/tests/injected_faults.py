"""Calls that are made to fail: which of them, how, and when."""

import collections.abc
import dataclasses
import enum

from httpcore_interface import (
    ConnectError,
    ConnectTimeout,
    ReadError,
    ReadTimeout,
    WriteError,
    WriteTimeout,
)


class Crash(BaseException):
    """Any exception that no `except Exception` catches, such as a cancellation."""


class FaultKind(enum.Enum):
    """What a call may raise."""

    ERROR = "error"
    TIMEOUT = "timeout"
    INTERRUPT = "interrupt"
    CRASH = "crash"


@dataclasses.dataclass(frozen=True)
class Fault:
    """One call that fails.

    Args:
        at: Its number, from 0.
        kind: What it raises.
        is_late: Whether it takes effect before it fails.
    """

    at: int
    kind: FaultKind
    is_late: bool = False


_FAILURES: dict[str, tuple[type[Exception], type[Exception]]] = {
    "connect_tcp": (ConnectError, ConnectTimeout),
    "connect_unix_socket": (ConnectError, ConnectTimeout),
    "start_tls": (ConnectError, ConnectTimeout),
    "read": (ReadError, ReadTimeout),
    "write": (WriteError, WriteTimeout),
}


def faults_of(operations: collections.abc.Sequence[str]) -> list[Fault]:
    """Every fault that the calls of a run could have.

    By the contract of backends a close does not fail, a sleep cannot, and a read
    that times out has lost nothing.
    """
    return [
        Fault(at, kind, is_late)
        for at, operation in enumerate(operations)
        for kind in FaultKind
        for is_late in (False, True)
        if kind in (FaultKind.INTERRUPT, FaultKind.CRASH)
        or (operation in _FAILURES and not (kind is FaultKind.TIMEOUT and is_late))
    ]


def failure_of(operation: str, kind: FaultKind) -> BaseException:
    if kind is FaultKind.INTERRUPT:
        return KeyboardInterrupt(f"during {operation}")
    if kind is FaultKind.CRASH:
        return Crash(f"during {operation}")
    error, timeout = _FAILURES[operation]
    failure = error if kind is FaultKind.ERROR else timeout
    return failure(f"{operation} was made to fail")
