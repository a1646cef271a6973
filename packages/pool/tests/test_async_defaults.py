"""The backend of an async pool that was given none: that of what runs, once it is needed."""

import asyncio
import collections.abc
import sys
import types

import pytest
import trio
from driving import HOST, URL_A, Driver, reply
from driving_async import AsyncDriver
from event_loops import Function
from scripted import Network
from scripted_async_backend import AsyncScriptedBackend

from httpcore_interface import AsyncNetworkBackend
from httpcore_pool import AsyncConnectionPool, AsyncHTTPConnection, Origin

PACKAGES = {
    "httpcore_asyncio": "AsyncioBackend",
    "httpcore_trio": "TrioBackend",
    "httpcore_anyio": "AnyIOBackend",
}
ORIGIN = Origin(b"http", HOST, 80)

pytestmark = pytest.mark.colours("asyncio", "trio", reason="blocking code has a default too")


class Installed:
    """Which backends are installed, and who was made of them."""

    def __init__(self, network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made: list[str] = []
        self._network = network
        self._monkeypatch = monkeypatch
        self.are()

    def are(self, *names: str) -> None:
        """Has these installed, and no others."""
        for name, attribute in PACKAGES.items():
            module = None
            if name in names:
                module = types.ModuleType(name)
                setattr(module, attribute, self._maker(name))
            # None is how an import is made to fail.
            self._monkeypatch.setitem(sys.modules, name, module)

    def _maker(self, name: str) -> collections.abc.Callable[[], AsyncNetworkBackend]:
        def make() -> AsyncNetworkBackend:
            self.made.append(name)
            return AsyncScriptedBackend(self._network)

        return make


@pytest.fixture
def installed(driver: Driver, network: Network, monkeypatch: pytest.MonkeyPatch) -> Installed:
    return Installed(network, monkeypatch)


@pytest.fixture
def library(driver: Driver) -> str:
    """What runs."""
    assert isinstance(driver, AsyncDriver)
    return "trio" if "Trio" in type(driver.loop).__name__ else "asyncio"


def run(driver: Driver, function: Function[None]) -> None:
    assert isinstance(driver, AsyncDriver)
    driver.loop.run(function)


@pytest.mark.parametrize("uds", [None, "/run/http.sock"])
def test_pool_uses_the_backend_of_what_runs_once_it_connects(
    driver: Driver, network: Network, installed: Installed, library: str, uds: str | None
) -> None:
    installed.are(*PACKAGES)
    network.serve(lambda request: reply(b"fine"))

    async def main() -> None:
        async with AsyncConnectionPool(uds=uds, socket_options=[(6, 1, 1)]) as pool:
            assert installed.made == []
            for url in (URL_A, URL_A, "http://other.test/"):
                timeout = {"timeout": {"connect": 7.0}}
                await pool.request("GET", url, extensions=timeout)
                assert installed.made == [f"httpcore_{library}"]

    run(driver, main)
    first, second = network.attempts
    assert first.timeout == 7.0
    assert first.socket_options == ((6, 1, 1),)
    if uds is None:
        assert (first.host, first.port, second.host) == ("example.test", 80, "other.test")
    else:
        assert (first.path, second.path) == (uds, uds)


def test_connection_without_a_pool_uses_it_too(
    driver: Driver, network: Network, installed: Installed, library: str
) -> None:
    installed.are(*PACKAGES)
    network.answer(reply(b"fine"))
    # Made where nothing runs yet.
    connection = AsyncHTTPConnection(ORIGIN, local_address="127.0.0.1")

    async def main() -> None:
        async with connection:
            assert (await connection.request("GET", URL_A)).content == b"fine"

    run(driver, main)
    assert installed.made == [f"httpcore_{library}"]
    assert network.attempts[0].local_address == "127.0.0.1"


def test_backend_for_either_stands_in(
    driver: Driver, network: Network, installed: Installed, library: str
) -> None:
    installed.are("httpcore_anyio")
    network.answer(reply(b"fine"))

    async def main() -> None:
        async with AsyncConnectionPool() as pool:
            assert (await pool.request("GET", URL_A)).content == b"fine"

    run(driver, main)
    assert installed.made == ["httpcore_anyio"]


def test_none_installed_says_what_to_install(
    driver: Driver, installed: Installed, library: str
) -> None:
    async def main() -> None:
        async with AsyncConnectionPool() as pool:
            with pytest.raises(
                ImportError,
                match=f"^no network backend for {library} is installed: install "
                rf"httpcore-{library}, or pass network_backend=\.\.\.$",
            ):
                await pool.request("GET", URL_A)
            stats = pool.stats()
            assert (stats.requests_active, stats.dialling) == (0, 0)
            assert pool.connections == []

    run(driver, main)
    assert installed.made == []


def test_waits_and_pauses_are_those_of_what_runs(
    driver: Driver, network: Network, installed: Installed, library: str
) -> None:
    installed.are(*PACKAGES)

    async def main() -> None:
        pool = AsyncConnectionPool(max_connections=1)
        backend = pool._network_backend
        await backend.sleep(3.0)
        assert network.sleeps == [3.0]
        event = backend.create_event()
        network.while_waiting(event.set)
        assert await event.wait(5.0)
        assert installed.made == [f"httpcore_{library}"]
        await pool.aclose()

    run(driver, main)


def test_backend_is_found_anew_where_something_else_runs(
    driver: Driver, network: Network, installed: Installed, library: str
) -> None:
    installed.are(*PACKAGES)
    backend = AsyncConnectionPool()._network_backend

    async def main() -> None:
        backend.create_event()
        backend.create_event()

    run(driver, main)
    asyncio.run(main())
    trio.run(main)
    made = {"httpcore_asyncio", "httpcore_trio"}
    assert installed.made[0] == f"httpcore_{library}"
    assert (len(installed.made), set(installed.made)) == (2, made)


def test_backend_that_is_given_is_used(
    driver: Driver, network: Network, installed: Installed
) -> None:
    installed.are(*PACKAGES)
    network.answer(reply(b"fine"))
    backend = AsyncScriptedBackend(network)

    async def main() -> None:
        async with AsyncConnectionPool(network_backend=backend) as pool:
            assert pool._network_backend is backend
            await pool.request("GET", URL_A)

    run(driver, main)
    assert installed.made == []


def test_nothing_running_is_named(installed: Installed, driver: Driver) -> None:
    with pytest.raises(RuntimeError, match="no event loop is running here"):
        AsyncConnectionPool()._network_backend.create_event()
