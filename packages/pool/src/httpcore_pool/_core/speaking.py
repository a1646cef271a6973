"""What connections have in common, whichever protocol they speak."""

import enum

from httpcore_interface import ConnectError, ConnectionNotAvailable, UnsupportedProtocol

from .._messages import Request
from .._url import HTTP_PORTS, Origin


class State(enum.Enum):
    """What a connection is doing. The values are those that users read."""

    NEW = "NEW"
    ACTIVE = "ACTIVE"
    IDLE = "IDLE"
    CLOSED = "CLOSED"


class Repeatable(Exception):  # noqa: N818 - it never leaves the pool
    """A request failed in a way that lets it be sent once more.

    Args:
        failure: What to raise if it is not.
        is_unprocessed: Whether the server has done nothing about it, whatever it was.
            If that is not known, only idempotent requests are repeated.
        was_tried: Whether it was given to a connection at all.
        is_untaken: Whether that did not take it, and has told the pool that it will not.
    """

    def __init__(
        self,
        failure: BaseException,
        *,
        is_unprocessed: bool,
        was_tried: bool = True,
        is_untaken: bool = False,
    ) -> None:
        super().__init__(str(failure))
        self.is_untaken = is_untaken
        self.was_tried = was_tried
        self.failure = failure
        self.is_unprocessed = is_unprocessed


def check_origin(request: Request, origin: Origin) -> None:
    """Makes sure that a request goes where a connection leads.

    Raises:
        RuntimeError: It does not.
        UnsupportedProtocol: The URL's scheme is none of http, https, ws, wss.
    """
    if request.url.scheme not in HTTP_PORTS:
        raise unsupported(request.url.scheme)
    if request.url.origin != origin:
        raise RuntimeError(
            f"a request to {request.url.origin} cannot go over the connection to {origin}"
        )


def unsupported(scheme: bytes) -> UnsupportedProtocol:
    """Returns the error of a request whose scheme is not HTTP's."""
    if not scheme:
        return UnsupportedProtocol(
            "Request URL is missing an 'http://' or 'https://' protocol."
        )
    return UnsupportedProtocol(
        f"Request URL has an unsupported protocol '{scheme.decode('ascii', 'replace')}://'."
    )


def pool_closed() -> ConnectError:
    """Returns the error of a request that was about to get a connection of its own."""
    return ConnectError("the connection pool was closed while the request connected")


def gone() -> Repeatable:
    """Returns what is raised when a shared connection takes no more requests."""
    failure = ConnectionNotAvailable("the server has closed the connection")
    return Repeatable(failure, is_unprocessed=True, was_tried=False)
