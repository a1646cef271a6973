"""Names: the resolution is a part of the connect."""

import socket

import pytest

from httpcore_interface import ConnectError, ConnectTimeout

from .._blackhole import Blackhole
from .._contract import contract
from .._face import BackendFace
from .._kit import Kit
from .._peer import Listener
from .._resolver import NAME, Resolver
from .._timing import EARLY, fastest


class Resolving(Kit):
    """What `connect_tcp` does with a name."""

    @contract("the host is a name or an address literal")
    def test_connect_reaches_a_server_by_its_name(
        self, face: BackendFace, listener: Listener
    ) -> None:
        # Its addresses may be of both families, of which one is refused.
        face.connect_tcp(("localhost", listener.address[1]), self.patience)
        listener.accept()

    @pytest.mark.parametrize("timeout", [None, 10])
    @contract("connect_tcp raises ConnectError when the name is unknown; the cause is chained")
    def test_an_unknown_name_is_a_connect_error(
        self, face: BackendFace, resolver: Resolver, timeout: float | None
    ) -> None:
        resolver.error = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        error = face.begin_connect_tcp((NAME, 80), timeout).raised(ConnectError)
        assert error.__cause__ is not None, "the ConnectError has no __cause__"

    @contract("connect_tcp raises ConnectError when the name is unknown")
    def test_a_name_without_addresses_is_a_connect_error(
        self, face: BackendFace, resolver: Resolver
    ) -> None:
        resolver.addresses = []
        face.begin_connect_tcp((NAME, 80), self.patience).raised(ConnectError)

    @pytest.mark.parametrize("host", ["", "a" * 64, "a..b", "\udc80", "[::1]"], ids=repr)
    @contract("connect_tcp raises ConnectError when the name is unknown, and nothing raw")
    def test_what_is_no_host_is_a_connect_error(
        self, face: BackendFace, listener: Listener, host: str
    ) -> None:
        address = host, listener.address[1]
        face.begin_connect_tcp(address, self.patience).raised(ConnectError)

    @pytest.mark.parametrize("host", ["127.0.0.1\0.example", "localhost\0.example"], ids=repr)
    @contract("connect_tcp connects to the host it was given, and to no part of it")
    def test_a_name_is_not_cut_at_a_null_character(
        self, face: BackendFace, listener: Listener, host: str
    ) -> None:
        address = host, listener.address[1]
        face.begin_connect_tcp(address, self.patience).raised(ConnectError)

    @contract("timeout: seconds for name resolution and all attempts together")
    def test_a_resolver_that_hangs_does_not_outlast_the_timeout(
        self, face: BackendFace, resolver: Resolver
    ) -> None:
        resolver.may_answer.clear()
        operation = face.begin_connect_tcp((NAME, 80), 0.1)
        operation.raised(ConnectTimeout)
        assert 0.1 - EARLY <= operation.seconds < 0.1 + self.patience

    @pytest.mark.parametrize("timeout", [0, -1])
    @contract("a timeout of 0 or less does only what is possible without waiting")
    def test_without_time_no_resolver_is_waited_for(
        self, face: BackendFace, resolver: Resolver, timeout: float
    ) -> None:
        resolver.may_answer.clear()
        operation = face.begin_connect_tcp((NAME, 80), timeout)
        operation.raised(ConnectTimeout)
        assert operation.seconds < self.patience

    @contract("timeout: seconds for name resolution and all attempts together")
    def test_resolution_and_attempts_share_one_deadline(
        self, face: BackendFace, resolver: Resolver, blackhole: Blackhole
    ) -> None:
        resolver.addresses = [blackhole.address]

        def attempt() -> float:
            resolver.may_answer.clear()
            resolver.was_asked.clear()
            operation = face.begin_connect_tcp((NAME, 80), 0.8)
            assert resolver.was_asked.wait(self.patience)
            # A slow resolver, not a wait for something.
            operation.ends_within(0.6)
            resolver.may_answer.set()
            operation.raised(ConnectTimeout)
            return operation.seconds

        seconds = fastest(attempt, 1.2)
        assert seconds <= 1.2, f"it took {seconds:.2f} seconds of 0.8"
