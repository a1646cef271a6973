"""TCP connections to one address."""

import math
import select
import socket

import pytest

from httpcore_interface import SOCKET_OPTION, ConnectError, ConnectTimeout, ReadTimeout

from .._blackhole import Blackhole
from .._contract import contract
from .._face import BackendFace
from .._kit import Kit
from .._peer import Listener
from .._timing import EARLY

NO_SUCH_OPTION = (socket.SOL_SOCKET, 9999, 1)

LEAVES_NOTHING = "a connect that fails, times out or is cancelled leaves no socket open"


class Connecting(Kit):
    """What `connect_tcp` does with an address literal."""

    @pytest.mark.parametrize("timeout", [None, math.inf, 1e300, 10])
    @contract("connect_tcp opens a TCP connection; None and infinity wait for ever")
    def test_connect_reaches_the_server(
        self, face: BackendFace, listener: Listener, timeout: float | None
    ) -> None:
        stream = face.connect_tcp(listener.address, timeout)
        peer = listener.accept()
        stream.write(b"ping", self.patience)
        assert peer.receive(4) == b"ping"
        peer.send(b"pong")
        assert stream.read(100, self.patience) == b"pong"

    @contract("the host is a name or an address literal (IPv6 without brackets)")
    def test_connect_reaches_an_ipv6_address(self, face: BackendFace) -> None:
        if not _has_ipv6():
            pytest.skip("this host has no IPv6 address")
        sock = socket.create_server(("::1", 0), family=socket.AF_INET6)
        listener = Listener(sock, self.patience)
        try:
            stream = face.connect_tcp(listener.address, self.patience)
            listener.accept().send(b"x")
            assert stream.read(1, self.patience) == b"x"
        finally:
            listener.close()

    @contract("TCP_NODELAY is set")
    def test_small_writes_are_not_held_back(
        self, face: BackendFace, listener: Listener
    ) -> None:
        sock = self.socket_of(face.connect_tcp(listener.address, self.patience))
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0

    @pytest.mark.parametrize("timeout", [None, 10])
    @contract("connect_tcp raises ConnectError when every attempt failed")
    def test_a_refused_connection_is_a_connect_error(
        self, face: BackendFace, refused: tuple[str, int], timeout: float | None
    ) -> None:
        face.begin_connect_tcp(refused, timeout).raised(ConnectError)

    @contract("the cause of an error is chained")
    def test_a_refused_connection_tells_its_cause(
        self, face: BackendFace, refused: tuple[str, int]
    ) -> None:
        error = face.begin_connect_tcp(refused, self.patience).raised(ConnectError)
        assert error.__cause__ is not None, "the ConnectError has no __cause__"

    @contract(LEAVES_NOTHING)
    def test_a_refused_connection_leaves_no_socket_open(
        self, face: BackendFace, refused: tuple[str, int]
    ) -> None:
        sockets = self.sockets()
        # Kept, and with it whatever the frames in its traceback hold.
        outcome = face.begin_connect_tcp(refused, self.patience).outcome()
        assert sockets.count_new() == 0, f"there is another socket after {outcome!r}"

    @contract("connect_tcp raises ConnectError when every attempt failed")
    def test_an_unreachable_network_is_a_connect_error(self, face: BackendFace) -> None:
        address = _unreachable_address()
        face.begin_connect_tcp(address, self.patience).raised(ConnectError)

    @contract("connect_tcp raises ConnectTimeout when no attempt succeeded in time")
    def test_a_server_that_does_not_answer_is_a_connect_timeout(
        self, face: BackendFace, blackhole: Blackhole
    ) -> None:
        sockets = self.sockets()
        operation = face.begin_connect_tcp(blackhole.address, 0.1)
        error = operation.raised(ConnectTimeout)
        assert operation.seconds >= 0.1 - EARLY
        with contract(LEAVES_NOTHING):
            assert sockets.count_new() == 0, f"there is another socket after {error!r}"

    @pytest.mark.parametrize("timeout", [0, 0.0, -1, -math.inf])
    @contract("a timeout of 0 or less does only what is possible without waiting")
    def test_without_time_connect_does_not_wait(
        self, face: BackendFace, blackhole: Blackhole, timeout: float
    ) -> None:
        sockets = self.sockets()
        operation = face.begin_connect_tcp(blackhole.address, timeout)
        error = operation.raised(ConnectTimeout)
        assert operation.seconds < self.patience
        with contract(LEAVES_NOTHING):
            assert sockets.count_new() == 0, f"there is another socket after {error!r}"

    @pytest.mark.parametrize("timeout", [0, -1])
    @contract("a timeout of 0 or less does what is possible, or otherwise times out at once")
    def test_without_time_a_good_server_is_reached_or_times_out(
        self, face: BackendFace, listener: Listener, timeout: float
    ) -> None:
        operation = face.begin_connect_tcp(listener.address, timeout)
        if isinstance(operation.outcome(), Exception):
            operation.raised(ConnectTimeout)
        else:
            stream = face.adopt(operation)
            listener.accept().send(b"x")
            assert stream.read(1, self.patience) == b"x"

    @contract("timeout: the seconds of the connect, and of nothing else")
    def test_a_timeout_of_connect_is_none_of_read(
        self, face: BackendFace, listener: Listener
    ) -> None:
        for timeout in (0.1, 0.5, 2.5):
            operation = face.begin_connect_tcp(listener.address, timeout)
            if not isinstance(operation.outcome(), ConnectTimeout):
                break
            # It is not to blame for a machine that was held up for so long.
            listener.accept_all()
        stream, peer = face.adopt(operation), listener.accept()
        reading = stream.begin_read(100)
        assert not reading.ends_within(1.5 * timeout), f"{reading} ended without anything"
        peer.send(b"late")
        assert reading.result() == b"late"

    @contract("local_address is the address of this host to connect from")
    def test_connect_comes_from_the_local_address(
        self, face: BackendFace, listener: Listener
    ) -> None:
        if not _can_bind("127.0.0.2"):
            pytest.skip("this host has one IPv4 address only")
        face.connect_tcp(listener.address, self.patience, local_address="127.0.0.2")
        host, *_ = listener.accept().sock.getpeername()
        assert host == "127.0.0.2"

    @pytest.mark.parametrize("local_address", ["::1", "192.0.2.77"])
    @contract(LEAVES_NOTHING)
    def test_a_local_address_that_does_not_fit_is_a_connect_error(
        self, face: BackendFace, listener: Listener, local_address: str
    ) -> None:
        sockets = self.sockets()
        operation = face.begin_connect_tcp(listener.address, self.patience, local_address)
        error = operation.raised(ConnectError)
        assert sockets.count_new() == 0, f"there is another socket after {error!r}"

    @contract("socket_options are arguments of setsockopt, applied before connecting")
    def test_options_are_applied(self, face: BackendFace, listener: Listener) -> None:
        options: list[SOCKET_OPTION] = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
        stream = face.connect_tcp(listener.address, self.patience, socket_options=iter(options))
        sock = self.socket_of(stream)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) != 0

    @contract("socket_options are applied before connecting")
    def test_an_option_that_does_not_fit_is_a_connect_error(
        self, face: BackendFace, listener: Listener
    ) -> None:
        sockets = self.sockets()
        operation = face.begin_connect_tcp(
            listener.address, self.patience, socket_options=[NO_SUCH_OPTION]
        )
        error = operation.raised(ConnectError)
        assert not listener.accept_all(), "there was a connection before the option was set"
        with contract(LEAVES_NOTHING):
            assert sockets.count_new() == 0, f"there is another socket after {error!r}"

    @contract("timeout follows the rules of NetworkStream: it is that of one operation")
    def test_a_fresh_connection_has_nothing_to_read(
        self, face: BackendFace, listener: Listener
    ) -> None:
        stream = face.connect_tcp(listener.address, self.patience)
        stream.begin_read(100, 0).raised(ReadTimeout)


def _has_ipv6() -> bool:
    return socket.has_ipv6 and _can_bind("::1")


def _can_bind(host: str) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as sock:
        try:
            sock.bind((host, 0))
        except OSError:
            return False
        return True


def _unreachable_address() -> tuple[str, int]:
    """Returns an address that the system refuses at once; skips if there is none."""
    for host in ("255.255.255.255", "224.0.0.1"):
        with socket.socket() as sock:
            sock.setblocking(False)
            try:
                sock.connect((host, 9))
            except BlockingIOError:
                # It does try.
                select.select([], [sock], [], 0)
            except OSError:
                return host, 9
    pytest.skip("this system tries to reach every address")
