"""Backends that are broken on purpose, and the checks that have to notice."""

import collections.abc
import dataclasses
import functools
import typing

import pytest
from example_backend import ExampleBackend, ExampleStream

from httpcore_conformance import AsyncBackendConformance, BackendConformance
from httpcore_interface import (
    SOCKET_OPTION,
    Dial,
    NetworkBackend,
    UnixDial,
)

Class = typing.TypeVar("Class", bound=type[object])


@dataclasses.dataclass(frozen=True)
class Broken:
    """One backend that is broken in one way."""

    name: str
    check: str
    """The name of the check that has to fail."""
    says: str
    """What stands in its failure, apart from the contract's sentence."""
    make: collections.abc.Callable[[], object]
    module: str

    @property
    def test_name(self) -> str:
        """The name of the test class that holds it to the check."""
        return f"Test{self.name}_{self.check.removeprefix('test_')}"


ALL: list[Broken] = []


def fails(check: str, says: str) -> collections.abc.Callable[[Class], Class]:
    """Registers the class of a backend, or of its streams, as broken."""

    def register(broken: Class) -> Class:
        make: collections.abc.Callable[[], object] = broken
        if issubclass(broken, ExampleStream):
            stream_class: type[ExampleStream] = broken
            make = functools.partial(Wrapping, stream_class)
        ALL.append(Broken(broken.__name__, check, says, make, broken.__module__))
        return broken

    return register


class Dialling(ExampleBackend):
    """A good backend whose way to connect can be changed as a whole."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: typing.Iterable[SOCKET_OPTION] | None = None,
    ) -> ExampleStream:
        options = tuple(socket_options or ())
        return await self.dial(Dial(host, port, timeout, local_address, options))

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: typing.Iterable[SOCKET_OPTION] | None = None,
    ) -> ExampleStream:
        return await self.dial_unix(UnixDial(path, timeout, tuple(socket_options or ())))

    async def dial(self, dial: Dial) -> ExampleStream:
        return await super().connect_tcp(
            dial.host, dial.port, dial.timeout, dial.local_address, dial.socket_options
        )

    async def dial_unix(self, dial: UnixDial) -> ExampleStream:
        return await super().connect_unix_socket(dial.path, dial.timeout, dial.socket_options)


class Wrapping(Dialling):
    """A good backend with streams of another class."""

    def __init__(self, stream_class: type[ExampleStream]) -> None:
        self._stream_class = stream_class

    async def dial(self, dial: Dial) -> ExampleStream:
        return self._stream_class((await super().dial(dial)).channel.sock)

    async def dial_unix(self, dial: UnixDial) -> ExampleStream:
        return self._stream_class((await super().dial_unix(dial)).channel.sock)


def checks_of(conformance: type) -> list[str]:
    """Returns the names of the checks in a class."""
    return [name for name in dir(conformance) if name.startswith("test_")]


def classes_for(names: list[str], patience: float) -> dict[str, type]:
    """Returns what holds each of some broken backends to its one check.

    Args:
        names: Of the test classes.
        patience: Seconds after which a call that hangs, as some do here, has failed.
    """
    return {
        broken.test_name: _test_class(broken, patience)
        for broken in ALL
        if broken.test_name in names
    }


def _test_class(broken: Broken, patience: float) -> type:
    is_blocking = isinstance(broken.make(), NetworkBackend)
    conformance = BackendConformance if is_blocking else AsyncBackendConformance

    @pytest.fixture
    def backend(self: object) -> object:
        return broken.make()

    others = {name: None for name in checks_of(conformance) if name != broken.check}
    patience = max(patience, getattr(broken.make(), "patience", 0))
    members = {"backend": backend, "patience": patience, **others}
    return type(broken.test_name, (conformance,), members)
