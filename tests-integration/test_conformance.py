"""Our own backends, held to the contract by the kit that their authors use."""

import asyncio
import collections.abc
import sys

import pytest

import httpcore_conformance
from httpcore_anyio import AnyIOBackend
from httpcore_asyncio import AsyncioBackend
from httpcore_sync import SyncBackend
from httpcore_trio import TrioBackend

if sys.platform != "win32":
    import uvloop

pytestmark = pytest.mark.exhaustive


class TestSync(httpcore_conformance.BackendConformance):
    @pytest.fixture
    def backend(self) -> SyncBackend:
        return SyncBackend()


class TestAsyncio(httpcore_conformance.AsyncBackendConformance):
    @pytest.fixture
    def backend(self) -> AsyncioBackend:
        return AsyncioBackend()


@pytest.mark.skipif(sys.platform == "win32", reason="there is no uvloop for Windows")
class TestAsyncioOnUvloop(httpcore_conformance.AsyncBackendConformance):
    @pytest.fixture
    def backend(self) -> AsyncioBackend:
        return AsyncioBackend()

    @pytest.fixture
    def runner(self) -> collections.abc.Iterator[httpcore_conformance.AsyncioRunner]:
        runner = httpcore_conformance.AsyncioRunner(uvloop.new_event_loop)
        yield runner
        runner.stop()

    def patch_resolver(
        self, monkeypatch: pytest.MonkeyPatch, look_up: httpcore_conformance.LookUp
    ) -> None:
        original = uvloop.Loop.getaddrinfo

        # uvloop resolves names by itself, without the socket module.
        async def getaddrinfo(
            loop: asyncio.AbstractEventLoop, host: str, port: int, **options: int
        ) -> object:
            if host.endswith(".test"):
                return await loop.run_in_executor(None, look_up, host, port)
            # It is called by a loop of its class.
            return await original(loop, host, port, **options)  # type: ignore[arg-type]

        monkeypatch.setattr(uvloop.Loop, "getaddrinfo", getaddrinfo)


class TestAnyIOOnAsyncio(httpcore_conformance.AsyncBackendConformance):
    @pytest.fixture
    def backend(self) -> AnyIOBackend:
        return AnyIOBackend()


class TestAnyIOOnTrio(httpcore_conformance.AsyncBackendConformance):
    library = "trio"

    @pytest.fixture
    def backend(self) -> AnyIOBackend:
        return AnyIOBackend()


class TestTrio(httpcore_conformance.AsyncBackendConformance):
    library = "trio"

    @pytest.fixture
    def backend(self) -> TrioBackend:
        return TrioBackend()
