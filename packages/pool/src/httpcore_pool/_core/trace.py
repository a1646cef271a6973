"""Who is told what is being done: the caller's `trace`, and the DEBUG loggers.

Most requests tell nobody: then there is no tracer, and the cost is one `is None`
for each operation.
"""

import collections.abc
import logging
import typing

from .._protocol.secrets import SECRET_FIELDS
from .closing import await_or_drop

# The values that a callback is shown are of as many types as there are events.
Info = dict[str, typing.Any]  # type: ignore[explicit-any]
Callback = collections.abc.Callable[[str, Info], collections.abc.Awaitable[None]]
T = typing.TypeVar("T")

_connection_log = logging.getLogger("httpcore.connection")
_http11_log = logging.getLogger("httpcore.http11")
_http2_log = logging.getLogger("httpcore.http2")
_proxy_log = logging.getLogger("httpcore.proxy")
_socks_log = logging.getLogger("httpcore.socks")
_loggers = {
    "connection": _connection_log,
    "http11": _http11_log,
    "http2": _http2_log,
    "proxy": _proxy_log,
    "socks4": _socks_log,
    "socks5": _socks_log,
}


def is_logged() -> bool:
    """Returns whether a logger would write what it is told of requests.

    See `proxy_tracer` for those that are told of proxies only.
    """
    # Spelled out: every request asks.
    debug = logging.DEBUG
    return (
        _connection_log.isEnabledFor(debug)
        or _http11_log.isEnabledFor(debug)
        or _http2_log.isEnabledFor(debug)
    )


class Tracer:
    """Tells of the operations of one request.

    Args:
        callback: The caller's, already awaitable; None when only logs are written.
    """

    __slots__ = ("_callback",)

    def __init__(self, callback: Callback | None) -> None:
        self._callback = callback

    async def run(
        self, name: str, info: Info, operation: collections.abc.Coroutine[object, object, T]
    ) -> T:
        """Runs an operation, and tells when it begins and how it ends.

        Args:
            name: Such as `"connection.connect_tcp"`.
            info: What the operation is given.
            operation: The operation, not begun yet.

        Returns:
            What the operation returns.
        """
        try:
            await self.tell(f"{name}.started", info)
            result = await operation
        except BaseException as exc:
            # Never begun, if it was the callback that raised.
            operation.close()
            await self.tell(f"{name}.failed", {"exception": exc})
            raise
        await self.tell(f"{name}.complete", {"return_value": result})
        return result

    async def tell(self, name: str, info: Info) -> None:
        """Tells of one event."""
        if self._callback is not None:
            await await_or_drop(self._callback(name, info))
        area, _, event = name.partition(".")
        logger = _loggers[area]
        if logger.isEnabledFor(logging.DEBUG):
            facts = " ".join(
                f"{key}={_without_secrets(value)!r}"
                for key, value in info.items()
                # What returns nothing is told without saying so.
                if key != "return_value" or value is not None
            )
            logger.debug("%s %s" if facts else "%s%s", event, facts)


def proxy_tracer() -> Tracer | None:
    """Returns who writes what is said to proxies, where nobody is told of the rest."""
    if _proxy_log.isEnabledFor(logging.DEBUG) or _socks_log.isEnabledFor(logging.DEBUG):
        return Tracer(None)
    return None


def _without_secrets(value: object) -> object:
    """Returns what may be logged of a value: fields lose what is nobody's business."""
    if isinstance(value, tuple):
        return tuple(_without_secrets(part) for part in value)
    if isinstance(value, list):
        return [
            (field[0], b"[secret]") if _is_secret(field) else _without_secrets(field)
            for field in value
        ]
    return value


def _is_secret(field: object) -> bool:
    return (
        isinstance(field, tuple)
        and len(field) == 2
        and isinstance(field[0], bytes)
        and field[0].lower() in SECRET_FIELDS
    )
