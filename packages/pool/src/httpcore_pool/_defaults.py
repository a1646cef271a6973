"""Which backend a pool uses when none is given.

The one module of this package that knows backends by name. Each is imported when
it is needed, by a plain statement, so that type checkers and freezers see it.
"""

import collections.abc

from httpcore_interface import (
    SOCKET_OPTION,
    AsyncEvent,
    AsyncNetworkBackend,
    AsyncNetworkStream,
    NetworkBackend,
    running_async_library,
)


def default_backend() -> NetworkBackend:
    """Returns the backend for blocking code.

    Raises:
        ImportError: It is not installed.
    """
    try:
        from httpcore_sync import SyncBackend
    except ImportError as exc:
        raise ImportError(
            "no network backend for blocking code is installed: install httpcore-sync, "
            "or pass network_backend=..."
        ) from exc
    return SyncBackend()


class AutoBackend(AsyncNetworkBackend):
    """The backend for async code: that of the library which runs when it is used.

    Under trio `TrioBackend`, under asyncio `AsyncioBackend`; where that is not
    installed, `AnyIOBackend`, which knows both.
    """

    def __init__(self) -> None:
        # By the library: tests, for one, run several after each other.
        self._backends: dict[str, AsyncNetworkBackend] = {}

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: collections.abc.Iterable[SOCKET_OPTION] | None = None,
    ) -> AsyncNetworkStream:
        """Opens a TCP connection; see `NetworkBackend.connect_tcp`."""
        return await self._running_backend().connect_tcp(
            host=host,
            port=port,
            timeout=timeout,
            local_address=local_address,
            socket_options=socket_options,
        )

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: collections.abc.Iterable[SOCKET_OPTION] | None = None,
    ) -> AsyncNetworkStream:
        """Opens a connection to a Unix socket; see `NetworkBackend.connect_unix_socket`."""
        return await self._running_backend().connect_unix_socket(
            path=path, timeout=timeout, socket_options=socket_options
        )

    async def sleep(self, seconds: float) -> None:
        """Waits."""
        await self._running_backend().sleep(seconds)

    def create_event(self) -> AsyncEvent:
        """Returns a fresh one-shot event."""
        return self._running_backend().create_event()

    def _running_backend(self) -> AsyncNetworkBackend:
        """Returns the backend of what is running.

        Raises:
            ImportError: None is installed.
            RuntimeError: Nothing is running.
        """
        library = running_async_library()
        backend = self._backends.get(library)
        if backend is None:
            make = _trio_backend if library == "trio" else _asyncio_backend
            backend = self._backends[library] = make()
        return backend


def _asyncio_backend() -> AsyncNetworkBackend:
    try:
        from httpcore_asyncio import AsyncioBackend
    except ImportError:
        return _anyio_backend("asyncio")
    return AsyncioBackend()


def _trio_backend() -> AsyncNetworkBackend:
    try:
        from httpcore_trio import TrioBackend
    except ImportError:
        return _anyio_backend("trio")
    return TrioBackend()


def _anyio_backend(library: str) -> AsyncNetworkBackend:
    """Returns the backend that stands in for that of a library.

    Raises:
        ImportError: It is not installed either.
    """
    try:
        from httpcore_anyio import AnyIOBackend
    except ImportError as exc:
        raise ImportError(
            f"no network backend for {library} is installed: install httpcore-{library}, "
            "or pass network_backend=..."
        ) from exc
    return AnyIOBackend()
