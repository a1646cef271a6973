"""How tests open pools: one class per colour, so that a scenario is written once."""

import contextlib
import ssl
import typing

import httpcore


class PoolOptions(typing.TypedDict, total=False):
    """What a pool may be made with."""

    ssl_context: ssl.SSLContext | None
    max_connections: int | None
    max_keepalive_connections: int | None
    keepalive_expiry: float | None
    retries: int
    local_address: str | None
    uds: str | None
    network_backend: httpcore.NetworkBackend | None
    socket_options: typing.Iterable[httpcore.SOCKET_OPTION] | None
    max_connections_per_origin: int | None
    max_connection_age: float | None


class OpenPool:
    """Makes pools, which are closed when the test ends.

    One class per colour: what a test asks of a pool stays the same.
    """

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self._stack = stack

    def __call__(self, **options: typing.Unpack[PoolOptions]) -> httpcore.ConnectionPool:
        return self.keep(httpcore.ConnectionPool(**options))

    def keep(self, pool: httpcore.ConnectionPool) -> httpcore.ConnectionPool:
        """Takes over a pool that the test made itself."""
        return self._stack.enter_context(pool)
