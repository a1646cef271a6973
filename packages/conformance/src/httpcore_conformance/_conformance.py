"""The two classes that backend authors subclass: all checks, for one colour."""

import collections.abc

import pytest

from ._asyncio_runner import AsyncioRunner
from ._checks.cancelling import Cancelling
from ._checks.closing import Closing
from ._checks.connecting import Connecting
from ._checks.duplex import BothDirections
from ._checks.encrypting import Encrypting
from ._checks.facts import Facts
from ._checks.handshaking import HandshakesThatFail
from ._checks.interrupting import Interrupting
from ._checks.pausing import Pausing
from ._checks.racing import Racing
from ._checks.reading import Reading
from ._checks.resolving import Resolving
from ._checks.room import WaitingForRoom
from ._checks.unix import ConnectingUnix
from ._checks.writing import Writing
from ._runner import Runner, ThreadRunner
from ._trio_runner import TrioRunner


class _Conformance(
    Connecting,
    Resolving,
    Racing,
    ConnectingUnix,
    Reading,
    Writing,
    WaitingForRoom,
    BothDirections,
    Encrypting,
    HandshakesThatFail,
    Closing,
    Facts,
    Pausing,
):
    """What both colours have to do."""


class BackendConformance(_Conformance, Interrupting):
    """Holds a blocking backend to the contract of `NetworkBackend`.

    Subclass it, and give it a fixture named `backend`. Attributes of the class say what
    the backend cannot do; see `Kit`.
    """

    @pytest.fixture
    def runner(self) -> Runner:
        """Runs each call in a thread."""
        return ThreadRunner()


class AsyncBackendConformance(_Conformance, Cancelling):
    """Holds an async backend to the contract of `AsyncNetworkBackend`.

    Subclass it, and give it a fixture named `backend`. Override the fixture `runner` for
    an event loop that is neither asyncio's own nor trio's.

    Attributes:
        library: "asyncio" or "trio": what the backend runs on.
    """

    library: str = "asyncio"

    @pytest.fixture
    def runner(self) -> collections.abc.Iterator[Runner]:
        """Runs the calls in an event loop of their own."""
        runners = {"asyncio": AsyncioRunner, "trio": TrioRunner}
        assert self.library in runners, f"library is {self.library!r}, not asyncio or trio"
        runner = runners[self.library]()
        yield runner
        runner.stop()
