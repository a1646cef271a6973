"""From what a socket raised to what the contract promises, with the facts in it."""

from httpcore_interface import (
    ConnectError,
    ConnectTimeout,
    ReadError,
    ReadTimeout,
    WriteError,
    WriteTimeout,
)

from ._deadline import seconds_to_wait

CLOSED = "the stream was closed on this side"


def read_failure(exc: Exception, timeout: float | None) -> ReadError | ReadTimeout:
    """Returns what to raise for a failed read."""
    if is_timeout(exc, timeout):
        return ReadTimeout(f"nothing came within {timeout} seconds")
    return ReadError(describe(exc))


def write_failure(exc: Exception, timeout: float | None) -> WriteError | WriteTimeout:
    """Returns what to raise for a failed write."""
    if is_timeout(exc, timeout):
        return WriteTimeout(f"the peer took no bytes for {timeout} seconds")
    return WriteError(describe(exc))


def handshake_failure(exc: Exception, timeout: float | None) -> ConnectError | ConnectTimeout:
    """Returns what to raise for a failed TLS handshake."""
    if is_timeout(exc, timeout):
        return ConnectTimeout(f"the TLS handshake took longer than {timeout} seconds")
    return ConnectError(f"the TLS handshake failed: {describe(exc)}")


def is_timeout(exc: Exception, timeout: float | None) -> bool:
    """Returns whether it was the caller's timeout that has passed.

    A TimeoutError with an errno is the system's: the peer did not answer TCP at all.
    """
    if isinstance(exc, BlockingIOError):
        return seconds_to_wait(timeout) == 0
    return isinstance(exc, TimeoutError) and exc.errno is None


def describe(exc: Exception) -> str:
    """Returns the message of an exception, or its name where it has none."""
    return str(exc) or type(exc).__name__
