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


class CancelHere(Exception):  # noqa: N818 - it is no error
    """Raised by a hook, a callback or a body, to have the request cancelled there."""


class Trap:
    """A trace callback that raises when it is called for the so-manieth time."""

    def __init__(self, turn: int, error: type[BaseException]) -> None:
        self._left = turn
        self._error = error

    def __call__(self, name: str, info: dict[str, object]) -> None:
        self._left -= 1
        if self._left == -1:
            raise self._error


class FaultKind(enum.Enum):
    """What a call may raise."""

    ERROR = "error"
    TIMEOUT = "timeout"
    INTERRUPT = "interrupt"
    CRASH = "crash"
    CANCEL = "cancel"


@dataclasses.dataclass(frozen=True)
class Fault:
    """One call that fails.

    Args:
        at: Its number, from 0.
        kind: What it raises.
        is_late: Whether it takes effect before it fails.
        is_double: Whether the call that follows fails likewise, such as the close of
            the connection on which this one failed.
    """

    at: int
    kind: FaultKind
    is_late: bool = False
    is_double: bool = False

    def hits(self, number: int) -> bool:
        """Returns whether a call is one of those that fail."""
        return number == self.at or (self.is_double and number == self.at + 1)


_FAILURES: dict[str, tuple[type[Exception], type[Exception]]] = {
    "connect_tcp": (ConnectError, ConnectTimeout),
    "connect_unix_socket": (ConnectError, ConnectTimeout),
    "start_tls": (ConnectError, ConnectTimeout),
    "read": (ReadError, ReadTimeout),
    "write": (WriteError, WriteTimeout),
    "wait_writable": (WriteError, WriteTimeout),
}


def faults_of(operations: collections.abc.Sequence[str]) -> list[Fault]:
    """Every fault that the calls of a run could have.

    By the contract of backends a close does not fail, a sleep cannot, and a read
    that times out has lost nothing.
    """
    return [
        Fault(at, kind, is_late)
        for at, operation in enumerate(operations)
        for kind in (FaultKind.ERROR, FaultKind.TIMEOUT, FaultKind.INTERRUPT, FaultKind.CRASH)
        for is_late in (False, True)
        if kind in (FaultKind.INTERRUPT, FaultKind.CRASH)
        or (operation in _FAILURES and not (kind is FaultKind.TIMEOUT and is_late))
    ]


def cancellations_of(operations: collections.abc.Sequence[str]) -> list[Fault]:
    """Every way in which the calls of a run could be cancelled.

    By the contract of backends a read that is cancelled has lost nothing.
    """
    return [
        Fault(at, FaultKind.CANCEL, is_late, is_double)
        for at, operation in enumerate(operations)
        for is_late in (False, True)
        if not (operation == "read" and is_late)
        for is_double in (False, True)
    ]


def failure_of(operation: str, kind: FaultKind) -> BaseException:
    if kind is FaultKind.INTERRUPT:
        return KeyboardInterrupt(f"during {operation}")
    if kind is FaultKind.CRASH:
        return Crash(f"during {operation}")
    error, timeout = _FAILURES[operation]
    failure = error if kind is FaultKind.ERROR else timeout
    return failure(f"{operation} was made to fail")
