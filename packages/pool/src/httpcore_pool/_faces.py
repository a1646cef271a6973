"""What the public classes of both colours say of themselves.

Questions are answered at once, so they have no colour; what waits is in
`_sync.py` and `_async.py`.
"""

import ssl
import typing

from ._core.connection import Connection, Speaker
from ._core.options import ConnectOptions
from ._core.pool import Pool
from ._state import PoolStats
from ._url import Origin

Face = typing.TypeVar("Face")
Asked = typing.TypeVar("Asked", bound="Questions")

# What a pool calls on a connection of a class that it does not know.
_NEEDED = (
    "handle_request",
    "handle_async_request",
    "close",
    "aclose",
    "is_available",
    "has_expired",
    "is_idle",
    "is_closed",
)


class Questions:
    """What a pool asks of a connection; for connections of one's own."""

    def info(self) -> str:
        """Says what the connection is and does, for people."""
        raise self._missing("info")

    def can_handle_request(self, origin: Origin) -> bool:
        """Returns whether requests to `origin` may go over this connection."""
        raise self._missing("can_handle_request")

    def is_available(self) -> bool:
        """Returns whether it could take a request at once."""
        raise self._missing("is_available")

    def has_expired(self) -> bool:
        """Returns whether it is idle, but should not be used any more."""
        raise self._missing("has_expired")

    def is_idle(self) -> bool:
        """Returns whether it waits for a request."""
        raise self._missing("is_idle")

    def is_closed(self) -> bool:
        """Returns whether it will never carry a request again."""
        raise self._missing("is_closed")

    def _missing(self, method: str) -> NotImplementedError:
        return NotImplementedError(f"{type(self).__name__} does not implement {method}()")


def does_as(connection: object, of: type[Asked]) -> typing.TypeGuard[Asked]:
    """Returns whether a connection does all that a pool needs as a class of ours does it.

    Args:
        connection: What may be of a class that is made of it, or changed by itself.
        of: The class.
    """
    return isinstance(connection, of) and all(
        getattr(getattr(connection, name), "__func__", None) is getattr(of, name)
        for name in _NEEDED
        if hasattr(of, name)
    )


class DialledFace(Questions):
    """The answers of a connection that connects by itself."""

    _core: Connection

    def _adopt(self, core: Connection) -> None:
        self._core = core
        core.face = self

    @classmethod
    def _of(cls, core: Connection) -> typing.Self:
        """Makes the public face of a pool's connection."""
        face = cls.__new__(cls)
        face._adopt(core)
        return face

    def info(self) -> str:
        """Says what the connection is and does, for people."""
        return self._core.info()

    def can_handle_request(self, origin: Origin) -> bool:
        """Returns whether requests to `origin` may go over this connection."""
        return origin == self._core.origin

    def is_available(self) -> bool:
        """Returns whether it waits for a request, or has room for another.

        Before it is connected: whether it may turn out to have.
        """
        http = self._core.http
        return self._core.may_be_shared if http is None else _has_room(http)

    def has_expired(self) -> bool:
        """Returns whether it is idle, but should not be used any more."""
        return self._core.has_expired()

    def is_idle(self) -> bool:
        """Returns whether it waits for a request."""
        return self._core.is_idle

    def is_closed(self) -> bool:
        """Returns whether it will never carry a request again."""
        return self._core.is_closed

    def __repr__(self) -> str:
        return f"<{type(self).__name__} [{self.info()}]>"


class GivenFace(Questions):
    """The answers of a connection over a stream that was given."""

    _core: Speaker
    _origin: Origin
    _keepalive_expiry: float | None

    def info(self) -> str:
        """Says what the connection is and does, for people."""
        return f"'{self._origin}', {self._core.info()}"

    def can_handle_request(self, origin: Origin) -> bool:
        """Returns whether requests to `origin` may go over this connection."""
        return origin == self._origin

    def is_available(self) -> bool:
        """Returns whether it waits for a request, and has had one, or has room for another."""
        return _has_room(self._core)

    def has_expired(self) -> bool:
        """Returns whether it is idle, but should not be used any more."""
        return self._core.has_expired(self._keepalive_expiry)

    def is_idle(self) -> bool:
        """Returns whether it waits for a request, and has had one."""
        return self._core.is_idle

    def is_closed(self) -> bool:
        """Returns whether it will never carry a request again."""
        return self._core.is_closed

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__} ['{self._origin}', {self._core.state.value}, "
            f"Request Count: {self._core.served}]>"
        )


def _has_room(http: Speaker) -> bool:
    # As 1.x has it: over HTTP/1.1 a connection without a past is not available.
    return http.is_available if http.is_shared else http.is_idle


class PoolFace(typing.Generic[Face]):
    """The answers of a pool whose connections have faces of one kind."""

    _core: Pool
    _options: ConnectOptions

    @property
    def connections(self) -> list[Face]:
        """The connections there are, in any state."""
        return [typing.cast("Face", connection.face) for connection in self._core.connections]

    @property
    def _connections(self) -> list[Face]:
        return self.connections

    @property
    def _requests(self) -> range:
        # Programs ask for its length: the requests that are under way or wait.
        return range(sum(self._core.requests))

    # What an overridden `create_connection` makes its own connections with.

    @property
    def _ssl_context(self) -> ssl.SSLContext | None:
        return self._options.ssl_context

    @property
    def _keepalive_expiry(self) -> float | None:
        return self._options.keepalive_expiry

    @property
    def _http1(self) -> bool:
        return "http/1.1" in self._options.protocols

    @property
    def _http2(self) -> bool:
        return "h2" in self._options.protocols

    def stats(self) -> PoolStats:
        """Returns the pool's numbers at this moment."""
        return self._core.stats()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} [{self._core.describe()}]>"
