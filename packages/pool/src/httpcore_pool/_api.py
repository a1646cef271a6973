"""Single requests, without a pool to keep."""

import types

from ._messages import Content, Extensions, HeaderTypes, Response
from ._sync import ConnectionPool, ResponseContext
from ._url import URL


def request(
    method: bytes | str,
    url: URL | bytes | str,
    *,
    headers: HeaderTypes | None = None,
    content: Content | None = None,
    extensions: Extensions | None = None,
) -> Response:
    """Sends one request over a connection of its own, and reads the response.

    Args and errors are those of `ConnectionPool.request`.
    """
    with ConnectionPool() as pool:
        return pool.request(
            method, url, headers=headers, content=content, extensions=extensions
        )


class _StreamContext:
    """A response whose pool is closed with it."""

    __slots__ = ("_context", "_pool")

    def __init__(self, pool: ConnectionPool, context: ResponseContext) -> None:
        self._pool = pool
        self._context = context

    def __enter__(self) -> Response:
        try:
            return self._context.__enter__()
        except BaseException:
            self._pool.close()
            raise

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: types.TracebackType | None,
    ) -> None:
        try:
            self._context.__exit__(exc_type, exc, traceback)
        finally:
            self._pool.close()


def stream(
    method: bytes | str,
    url: URL | bytes | str,
    *,
    headers: HeaderTypes | None = None,
    content: Content | None = None,
    extensions: Extensions | None = None,
) -> _StreamContext:
    """Sends one request; the response is read, as it comes, in a `with` block.

        with stream("GET", "https://example.com/") as response:
            for chunk in response.iter_stream():
                ...

    Args and errors are those of `ConnectionPool.stream`.
    """
    pool = ConnectionPool()
    context = pool.stream(method, url, headers=headers, content=content, extensions=extensions)
    return _StreamContext(pool, context)
