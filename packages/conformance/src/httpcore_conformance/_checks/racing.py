"""Several addresses of one name (RFC 8305)."""

import collections.abc
import contextlib
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
from .connecting import LEAVES_NOTHING

WHERE = (NAME, 80)


class Racing(Kit):
    """What `connect_tcp` does with a name that has several addresses."""

    @pytest.fixture
    def second_listener(self) -> collections.abc.Iterator[Listener]:
        """Another server at 127.0.0.1."""
        listener = Listener(socket.create_server(("127.0.0.1", 0)), self.patience)
        yield listener
        listener.close()

    @contract("the next attempt starts when one fails")
    def test_an_address_that_fails_is_followed_by_the_next(
        self,
        face: BackendFace,
        resolver: Resolver,
        refused: tuple[str, int],
        listener: Listener,
    ) -> None:
        resolver.addresses = [refused, refused, listener.address]
        stream = face.connect_tcp(WHERE, self.patience)
        listener.accept().send(b"x")
        assert stream.read(1, self.patience) == b"x"

    @contract("the next attempt starts when one fails")
    def test_an_address_that_fails_is_not_waited_for(
        self,
        face: BackendFace,
        resolver: Resolver,
        refused: tuple[str, int],
        listener: Listener,
    ) -> None:
        # Ten delays of RFC 8305 would be 2.5 seconds.
        resolver.addresses = [*[refused] * 10, listener.address]

        def attempt() -> float:
            operation = face.begin_connect_tcp(WHERE, self.patience)
            face.adopt(operation)
            listener.accept()
            return operation.seconds

        seconds = fastest(attempt, 2)
        assert seconds <= 2, f"ten refused addresses took {seconds:.2f} seconds"

    @contract("the next attempt starts when one is slow")
    def test_an_address_that_is_slow_gets_company(
        self, face: BackendFace, resolver: Resolver, blackhole: Blackhole, listener: Listener
    ) -> None:
        resolver.addresses = [blackhole.address, listener.address]
        sockets = self.sockets()
        stream = face.connect_tcp(WHERE, None)
        with contract("a connect leaves no other socket open than that of its stream"):
            # The kit's end of the connection is not accepted yet.
            assert sockets.count_new(1) == 1
        listener.accept().send(b"x")
        assert stream.read(1, self.patience) == b"x"

    @contract("addresses are tried as RFC 8305 has it: a slow attempt goes on beside the next")
    def test_an_earlier_attempt_may_still_win(
        self, face: BackendFace, resolver: Resolver, blackhole: Blackhole
    ) -> None:
        other = Blackhole()
        with contextlib.closing(other):
            resolver.addresses = [blackhole.address, other.address]
            operation = face.begin_connect_tcp(WHERE, self.patience)
            # Twice the delay of RFC 8305, after which the second attempt has begun.
            assert not operation.ends_within(0.5)
            # Now there is room, which the system finds when it tries again.
            blackhole.accept()
            stream = face.adopt(operation)
            assert stream.fact("server_addr") == blackhole.address

    @contract("both families are tried in turn")
    def test_the_families_take_turns(
        self,
        face: BackendFace,
        resolver: Resolver,
        listener: Listener,
        second_listener: Listener,
    ) -> None:
        # Nobody listens at the first: a port that was free a moment ago, and still is.
        with _ipv6_socket() as refused, _ipv6_socket() as third:
            third.listen()
            resolver.addresses = [
                refused.getsockname()[:2],
                third.getsockname()[:2],
                listener.address,
                second_listener.address,
            ]
            face.connect_tcp(WHERE, self.patience)
            assert listener.accept_all(), (
                "after an IPv6 address, another one was tried before the first of IPv4"
            )

    @contract("connect_tcp raises ConnectError when every attempt failed")
    def test_when_all_addresses_fail_it_is_a_connect_error(
        self, face: BackendFace, resolver: Resolver, refused: tuple[str, int]
    ) -> None:
        resolver.addresses = [refused] * 3
        sockets = self.sockets()
        error = face.begin_connect_tcp(WHERE, self.patience).raised(ConnectError)
        with contract(LEAVES_NOTHING):
            assert sockets.count_new() == 0, f"there is another socket after {error!r}"

    @contract("timeout: seconds for name resolution and all attempts together")
    def test_all_attempts_share_one_deadline(
        self, face: BackendFace, resolver: Resolver, blackhole: Blackhole
    ) -> None:
        resolver.addresses = [blackhole.address] * 8
        sockets = self.sockets()

        def attempt() -> float:
            operation = face.begin_connect_tcp(WHERE, 0.4)
            operation.raised(ConnectTimeout)
            return operation.seconds

        seconds = fastest(attempt, 1.2)
        assert 0.4 - EARLY <= seconds <= 1.2, f"it took {seconds:.2f} seconds of 0.4"
        with contract(LEAVES_NOTHING):
            assert sockets.count_new() == 0, "there is another socket afterwards"


def _ipv6_socket() -> socket.socket:
    if not socket.has_ipv6:
        pytest.skip("this host has no IPv6 address")
    sock = socket.socket(socket.AF_INET6)
    try:
        sock.bind(("::1", 0))
    except OSError:
        sock.close()
        pytest.skip("this host has no IPv6 address")
    return sock
