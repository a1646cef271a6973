"""What a stream does short of waiting, on a pair of sockets."""

import collections.abc
import contextlib
import errno
import os
import select
import socket
import ssl

import pytest
from memory_server import MemoryServer

from httpcore_interface import ConnectError, ReadError, SocketChannel, WriteError

CLOSED = "the stream was closed on this side"

Pair = tuple[SocketChannel, "Peer"]


class Peer:
    """The other end of a channel: plain bytes, whatever layers are in between."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.server: MemoryServer | None = None

    def add_layer(self, context: ssl.SSLContext) -> None:
        self.server = MemoryServer(context, self.server)

    def send(self, octets: bytes) -> None:
        self.sock.sendall(self.server.send(octets) if self.server else octets)

    def receive(self) -> bytes:
        """Returns what has come, and answers what only TLS wants to know."""
        received = b""
        with contextlib.suppress(BlockingIOError):
            while octets := self.sock.recv(1 << 20, socket.MSG_DONTWAIT):
                received += octets
        if self.server is None:
            return received
        if received:
            self.server.receive(received)
        self.sock.sendall(self.server.take())
        received, self.server.received = self.server.received, b""
        return received


def encrypt(
    channel: SocketChannel,
    peer: Peer,
    client_context: ssl.SSLContext,
    server_context: ssl.SSLContext,
) -> None:
    channel.begin_tls(client_context, "localhost")
    peer.add_layer(server_context)
    while not channel.shake_hands():
        peer.receive()
    channel.is_reading = channel.is_writing = False
    peer.receive()


@pytest.fixture(params=[0, 1, 2], ids=["plain", "tls", "tls in tls"])
def pair(
    request: pytest.FixtureRequest,
    plain_pair: Pair,
    client_context: ssl.SSLContext,
    server_context: ssl.SSLContext,
) -> Pair:
    for _ in range(request.param):
        encrypt(*plain_pair, client_context, server_context)
    return plain_pair


@pytest.fixture
def tls_pair(
    plain_pair: Pair, client_context: ssl.SSLContext, server_context: ssl.SSLContext
) -> Pair:
    encrypt(*plain_pair, client_context, server_context)
    return plain_pair


@pytest.fixture
def plain_pair() -> collections.abc.Iterator[Pair]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield SocketChannel(ours), Peer(theirs)


def fill(channel: SocketChannel) -> None:
    """Makes the system take nothing more, without the channel's knowing."""
    with contextlib.suppress(BlockingIOError):
        while True:
            channel.sock.send(bytes(1 << 20))


def test_nothing_is_received_before_something_comes(pair: Pair) -> None:
    channel, peer = pair
    assert channel.receive(100) is None
    peer.send(b"hello")
    assert [channel.receive(2) for _ in range(4)] == [b"he", b"ll", b"o", None]


def test_the_end_of_the_stream_is_received_again_and_again(pair: Pair) -> None:
    channel, peer = pair
    peer.send(b"bye")
    peer.sock.close()
    assert [channel.receive(100) for _ in range(3)] == [b"bye", b"", b""]
    assert channel.is_readable()


def test_a_write_is_sent_in_as_many_turns_as_it_takes(pair: Pair) -> None:
    channel, peer = pair
    octets = bytes(range(251)) * 40_000
    received = b""
    channel.begin_write()
    turns = 1
    while not channel.send(octets):
        received += peer.receive()
        turns += 1
    received += peer.receive()
    assert turns > 1
    assert received == octets
    assert not channel.has_unsent


def test_each_write_begins_at_its_beginning(pair: Pair) -> None:
    channel, peer = pair
    for octets in (b"one", memoryview(b"two"), b""):
        channel.begin_write()
        assert channel.send(octets)
        channel.is_writing = False
    assert peer.receive() == b"onetwo"


def test_one_turn_of_a_write_is_bounded(tls_pair: Pair) -> None:
    class Bottomless(socket.socket):
        sent = 0

        def send(self, octets: bytes, flags: int = 0, /) -> int:  # type: ignore[override]
            self.sent += len(octets)
            return len(octets)

    channel, _ = tls_pair
    with Bottomless() as sock:
        channel.sock = sock
        channel.begin_write()
        # However fast the peer is, others have their turn.
        assert not channel.send(bytes(8 << 20))
        assert 0 < sock.sent < 2 << 20


def test_one_read_and_one_write_at_a_time(pair: Pair) -> None:
    channel, _ = pair
    channel.begin_read(1)
    channel.begin_write()
    with pytest.raises(ReadError, match="another task is reading this stream"):
        channel.begin_read(1)
    for begin in (channel.begin_write, channel.begin_wait):
        with pytest.raises(WriteError, match="another task is writing to this stream"):
            begin()
    channel.is_reading = channel.is_writing = False
    channel.begin_read(1)
    channel.begin_wait()
    with pytest.raises(WriteError, match="another task is writing to this stream"):
        channel.begin_write()


@pytest.mark.parametrize("busy", ["reading", "writing"])
def test_a_channel_in_use_is_not_encrypted(
    plain_pair: Pair, client_context: ssl.SSLContext, busy: str
) -> None:
    channel, _ = plain_pair
    if busy == "reading":
        channel.begin_read(1)
    else:
        channel.begin_write()
    with pytest.raises(ConnectError, match="another task is using this stream"):
        channel.begin_tls(client_context, "localhost")


def test_encrypting_is_a_read_and_a_write(
    plain_pair: Pair, client_context: ssl.SSLContext
) -> None:
    channel, _ = plain_pair
    channel.begin_tls(client_context, "localhost")
    with pytest.raises(ReadError, match="another task"):
        channel.begin_read(1)
    with pytest.raises(WriteError, match="another task"):
        channel.begin_write()


@pytest.mark.parametrize("max_bytes", [0, -1])
def test_a_read_of_less_than_a_byte_is_refused(plain_pair: Pair, max_bytes: int) -> None:
    channel, _ = plain_pair
    with pytest.raises(ValueError, match=f"max_bytes is {max_bytes}"):
        channel.begin_read(max_bytes)
    assert not channel.is_reading


def test_a_broken_channel_refuses_to_write_only(pair: Pair) -> None:
    channel, peer = pair
    channel.is_broken = True
    with pytest.raises(WriteError, match="an earlier write failed, and may have sent a part"):
        channel.begin_write()
    assert not channel.is_writing
    channel.begin_wait()
    channel.begin_read(1)
    peer.send(b"x")
    assert channel.receive(1) == b"x"


def test_a_closed_channel_refuses_everything(
    pair: Pair, client_context: ssl.SSLContext
) -> None:
    channel, _ = pair
    channel.close()
    channel.close()
    assert channel.sock.fileno() == -1
    with pytest.raises(ReadError, match=CLOSED):
        channel.begin_read(1)
    for begin in (channel.begin_write, channel.begin_wait):
        with pytest.raises(WriteError, match=CLOSED):
            begin()
    with pytest.raises(ConnectError, match=CLOSED):
        channel.begin_tls(client_context, "localhost")
    with pytest.raises(ReadError, match=CLOSED):
        channel.receive(1)
    with pytest.raises(WriteError, match=CLOSED):
        channel.send(b"x")
    for name in ("socket", "ssl_object", "client_addr", "server_addr", "is_writable", "?"):
        assert channel.get_extra_info(name) is None
    assert channel.get_extra_info("is_readable") is True


def test_a_handshake_that_is_closed_says_so(
    plain_pair: Pair, client_context: ssl.SSLContext
) -> None:
    channel, _ = plain_pair
    channel.begin_tls(client_context, "localhost")
    assert not channel.shake_hands()
    channel.close()
    with pytest.raises(ConnectError, match=CLOSED):
        channel.shake_hands()
    assert str(channel.handshake_failure(OSError("whatever"))) == CLOSED
    assert str(channel.read_failure(OSError("whatever"))) == CLOSED
    assert str(channel.write_failure(OSError("whatever"))) == CLOSED


def test_a_failure_without_words_has_its_name(plain_pair: Pair) -> None:
    channel, _ = plain_pair
    assert str(channel.read_failure(OSError())) == "OSError"
    assert str(channel.write_failure(OSError("words"))) == "words"
    assert str(channel.handshake_failure(ValueError())) == (
        "the TLS handshake failed: ValueError"
    )


def test_an_error_of_the_system_is_no_error_of_closing() -> None:
    class Failing(socket.socket):
        def close(self) -> None:
            super().close()
            raise OSError(errno.EIO, "Input/output error")

    ours, theirs = socket.socketpair()
    with theirs:
        sock = Failing(fileno=ours.detach())
        SocketChannel(sock).close()
        assert sock.fileno() == -1


def test_a_timeout_of_the_system_is_an_error(plain_pair: Pair) -> None:
    # What TCP reports after it has retransmitted in vain.
    class Unanswered(socket.socket):
        def recv(self, max_bytes: int, flags: int = 0, /) -> bytes:
            raise TimeoutError(errno.ETIMEDOUT, "Connection timed out")

        def send(self, octets: bytes, flags: int = 0, /) -> int:  # type: ignore[override]
            raise TimeoutError(errno.ETIMEDOUT, "Connection timed out")

    with Unanswered() as sock:
        channel = SocketChannel(sock)
        with pytest.raises(ReadError, match="Connection timed out"):
            channel.receive(1)
        with pytest.raises(WriteError, match="Connection timed out"):
            channel.send(b"x")


def test_half_a_record_is_nothing_to_read(tls_pair: Pair) -> None:
    channel, peer = tls_pair
    assert peer.server is not None
    record = peer.server.send(b"hello")
    peer.sock.sendall(record[:-1])
    # The system says otherwise.
    assert select.select([channel.sock], [], [], 0)[0]
    assert channel.is_readable() is False
    assert channel.what_is_ready() is True
    peer.sock.sendall(record[-1:])
    assert channel.is_readable() is True
    # It was looked at, not taken away: no wait for the socket would end.
    assert not select.select([channel.sock], [], [], 0)[0]
    assert channel.has_input() is True
    assert channel.receive(100) == b"hello"
    assert channel.has_input() is False


def test_a_system_that_changes_its_mind_has_nothing_to_read(tls_pair: Pair) -> None:
    class Fickle(socket.socket):
        def recv(self, max_bytes: int, flags: int = 0, /) -> bytes:
            raise BlockingIOError

    channel, peer = tls_pair
    peer.send(b"x")
    with Fickle(fileno=os.dup(channel.sock.fileno())) as sock:
        channel.sock = sock
        assert select.select([sock], [], [], 0)[0]
        assert channel.is_readable() is False


def test_what_has_arrived_is_left_to_the_read_that_waits(tls_pair: Pair) -> None:
    channel, peer = tls_pair
    channel.begin_read(100)
    assert channel.receive(100) is None
    peer.send(b"x")
    assert channel.is_readable() is True
    # It waits for the socket, so the socket has to have it still.
    assert select.select([channel.sock], [], [], 0)[0]
    assert channel.receive(100) == b"x"
    assert channel.is_readable() is False


def test_an_idle_channel_is_writable_and_not_readable(pair: Pair) -> None:
    channel, _ = pair
    for _ in range(2):
        assert channel.get_extra_info("is_readable") is False
        assert channel.get_extra_info("is_writable") is True
        assert channel.what_is_ready() is True


def test_room_comes_before_something_to_read(pair: Pair) -> None:
    channel, peer = pair
    peer.send(b"x")
    assert channel.what_is_ready() is True
    fill(channel)
    assert channel.what_is_ready() is False
    channel.begin_read(1)
    # The read that is under way will have it.
    assert channel.what_is_ready() is None
    assert channel.receive(1) == b"x"
    channel.is_reading = False
    assert channel.what_is_ready() is None


def test_ciphertext_that_is_due_leaves_no_room(tls_pair: Pair) -> None:
    channel, peer = tls_pair
    octets = bytes(8 << 20)
    channel.begin_write()
    while not channel.has_unsent:
        assert not channel.send(octets)
    assert channel.is_writable() is False
    peer.receive()
    # Sent by looking.
    assert channel.is_writable() is True
    assert channel.has_unsent is False


def test_ciphertext_that_cannot_be_sent_is_nobody_s_business_any_more(tls_pair: Pair) -> None:
    channel, peer = tls_pair
    channel.begin_write()
    while not channel.has_unsent:
        assert not channel.send(bytes(8 << 20))
    peer.sock.close()
    # A write would not wait.
    assert channel.is_writable() is True
    assert channel.has_unsent is False
    with pytest.raises(WriteError, match="Broken pipe"):
        channel.send(bytes(8 << 20))


def test_a_socket_closed_behind_our_back_is_an_error(pair: Pair) -> None:
    channel, _ = pair
    channel.sock.close()
    with pytest.raises(ReadError, match="Bad file descriptor"):
        channel.receive(1)
    with pytest.raises(WriteError, match="Bad file descriptor"):
        channel.send(b"x")
    assert channel.is_readable() is True
    assert channel.is_writable() is True
    assert channel.get_extra_info("client_addr") is None
    assert channel.get_extra_info("server_addr") is None


def test_without_poll_select_tells_what_is_ready(
    plain_pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(select, "poll")
    channel, peer = plain_pair
    assert channel.is_readable() is False
    assert channel.is_writable() is True
    peer.send(b"x")
    assert channel.is_readable() is True
    fill(channel)
    assert channel.is_writable() is False


def test_the_facts_are_those_of_the_socket() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sock = socket.create_connection(listener.getsockname())
        channel = SocketChannel(sock)
        assert sock.gettimeout() == 0
        assert channel.get_extra_info("socket") is sock
        assert channel.get_extra_info("client_addr") == sock.getsockname()
        assert channel.get_extra_info("server_addr") == listener.getsockname()
        assert channel.get_extra_info("ssl_object") is None
        assert channel.get_extra_info("unheard of") is None
        channel.close()


def test_the_ssl_object_is_that_of_the_innermost_layer(
    plain_pair: Pair, client_context: ssl.SSLContext, server_context: ssl.SSLContext
) -> None:
    channel, peer = plain_pair
    found = []
    for _ in range(2):
        encrypt(channel, peer, client_context, server_context)
        found.append(channel.get_extra_info("ssl_object"))
    assert all(isinstance(ssl_object, ssl.SSLObject) for ssl_object in found)
    assert found[0] is not found[1]


def test_the_server_is_told_why_its_certificate_is_refused(
    plain_pair: Pair, client_context: ssl.SSLContext, server_context: ssl.SSLContext
) -> None:
    channel, peer = plain_pair
    channel.begin_tls(client_context, "example.org")
    peer.add_layer(server_context)
    assert not channel.shake_hands()
    peer.receive()
    with pytest.raises(ConnectError, match=r"not valid for 'example\.org'") as caught:
        channel.shake_hands()
    assert isinstance(caught.value.__cause__, ssl.SSLCertVerificationError)
    with pytest.raises(ssl.SSLError, match=r"(?i)alert"):
        peer.receive()


def test_a_handshake_that_has_no_room_says_so(
    plain_pair: Pair, client_context: ssl.SSLContext, server_context: ssl.SSLContext
) -> None:
    channel, peer = plain_pair
    fill(channel)
    channel.begin_tls(client_context, "localhost")
    assert not channel.shake_hands()
    assert channel.has_unsent
    peer.receive()
    peer.add_layer(server_context)
    assert not channel.shake_hands()
    assert not channel.has_unsent
    peer.receive()
    assert channel.shake_hands()


def test_a_handshake_is_over_when_our_last_word_is_sent(
    plain_pair: Pair, client_context: ssl.SSLContext, server_context: ssl.SSLContext
) -> None:
    channel, peer = plain_pair
    channel.begin_tls(client_context, "localhost")
    peer.add_layer(server_context)
    assert not channel.shake_hands()
    peer.receive()
    fill(channel)
    assert not channel.shake_hands()
    assert channel.has_unsent


def test_a_write_is_over_when_its_ciphertext_is_sent(tls_pair: Pair) -> None:
    channel, _ = tls_pair
    fill(channel)
    channel.begin_write()
    assert not channel.send(b"x")
    assert channel.has_unsent


def test_a_name_that_is_none_is_a_connect_error(
    plain_pair: Pair, client_context: ssl.SSLContext
) -> None:
    channel, _ = plain_pair
    with pytest.raises(ConnectError, match=r"the TLS handshake failed: .*null character"):
        channel.begin_tls(client_context, "local\0host")


class Renegotiating(ssl.SSLObject):
    """What OpenSSL may do to a write: it wants to read first."""

    wants_input = False

    def write(self, octets: bytes) -> int:  # type: ignore[override]
        if self.wants_input:
            raise ssl.SSLWantReadError
        return super().write(octets)

    def read(self, size: int = 1024, buffer: bytearray | None = None) -> bytes:  # type: ignore[override]
        # Whatever it was, it has come.
        self.wants_input = False
        return super().read(size)


@pytest.fixture
def moody_pair(
    plain_pair: Pair, client_context: ssl.SSLContext, server_context: ssl.SSLContext
) -> Pair:
    client_context.sslobject_class = Renegotiating
    encrypt(*plain_pair, client_context, server_context)
    channel, _ = plain_pair
    assert channel.receive(1) is None
    channel.get_extra_info("ssl_object").wants_input = True
    return plain_pair


def test_a_write_that_has_to_read_first_says_so(moody_pair: Pair) -> None:
    channel, peer = moody_pair
    channel.begin_write()
    assert not channel.send(b"later")
    assert channel.needs_input
    channel.get_extra_info("ssl_object").wants_input = False
    assert channel.send(b"later")
    assert not channel.needs_input
    assert peer.receive() == b"later"


def test_a_write_reads_what_has_come_if_it_has_to(moody_pair: Pair) -> None:
    channel, peer = moody_pair
    peer.send(b"for the reader")

    class Once(Renegotiating):
        def write(self, octets: bytes) -> int:  # type: ignore[override]
            try:
                return super().write(octets)
            finally:
                self.wants_input = False

    channel.get_extra_info("ssl_object").__class__ = Once
    channel.begin_write()
    assert channel.send(b"now")
    assert not select.select([channel.sock], [], [], 0)[0]
    assert channel.receive(100) == b"for the reader"
    assert peer.receive() == b"now"


def test_a_write_takes_nothing_from_a_reader_that_waits(moody_pair: Pair) -> None:
    channel, peer = moody_pair
    channel.begin_read(100)
    peer.send(b"for the reader")
    channel.begin_write()
    assert not channel.send(b"later")
    assert channel.needs_input
    assert select.select([channel.sock], [], [], 0)[0]


def test_the_answer_of_the_tls_layer_waits_for_room(tls_pair: Pair) -> None:
    channel, peer = tls_pair
    fill(channel)
    # An answer that the layer has to give, whatever to.
    layer = channel._layer
    assert layer is not None
    layer.encrypt(b"answer")
    assert channel.receive(1) is None
    assert channel.has_unsent
    os.set_blocking(peer.sock.fileno(), False)
    with contextlib.suppress(BlockingIOError):
        while peer.sock.recv(1 << 20):
            pass
    assert channel.receive(1) is None
    assert not channel.has_unsent
    assert peer.receive() == b"answer"
