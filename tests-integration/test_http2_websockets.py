"""A WebSocket over HTTP/2 (RFC 8441), against hypercorn, beside other requests."""

import ssl
import struct

import http2_servers
import pytest
from colours import OpenPool, Pool
from http2_servers import Server, assert_quiet
from peers.workers import run_together

import httpcore

HEADERS = [(b"Sec-WebSocket-Version", b"13")]
BINARY, CLOSE = 2, 8
MASK = b"\x01\x02\x03\x04"


@pytest.fixture(params=["hypercorn-plain", "hypercorn-tls"])
def server(request: pytest.FixtureRequest) -> Server:
    return http2_servers.find(request)


@pytest.fixture
def pool(server: Server, open_pool: OpenPool, ssl_context: ssl.SSLContext) -> Pool:
    return open_pool(**server.options(ssl_context))


def frame(opcode: int, payload: bytes) -> bytes:
    """A frame as clients send it (RFC 6455, section 5.2)."""
    masked = bytes(octet ^ MASK[place % 4] for place, octet in enumerate(payload))
    size = len(payload)
    if size < 126:
        return struct.pack("!BB", 0x80 | opcode, 0x80 | size) + MASK + masked
    return struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, size) + MASK + masked


class Reader:
    """Reads frames as servers send them."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream
        self._octets = b""

    def _take(self, size: int) -> bytes:
        while len(self._octets) < size:
            received = self._stream.read(65_536, timeout=20)
            assert received
            self._octets += received
        taken, self._octets = self._octets[:size], self._octets[size:]
        return taken

    def frame(self) -> tuple[int, bytes]:
        first, size = self._take(2)
        if size == 126:
            [size] = struct.unpack("!H", self._take(2))
        return first & 0x0F, self._take(size)


def talk(pool: Pool, server: Server, number: int) -> None:
    extensions = {"protocol": b"websocket"}
    opening = pool.stream(
        "CONNECT", server.url + "/socket", headers=HEADERS, extensions=extensions
    )
    with opening as response:
        assert response.status == 200
        stream = response.extensions["network_stream"]
        reader = Reader(stream)
        for size in 1, 1000, 50_000:
            message = b"%d" % number * size
            stream.write(frame(BINARY, message), timeout=20)
            opcode, payload = reader.frame()
            assert opcode == BINARY
            is_equal = payload == message
            assert is_equal
        stream.write(frame(CLOSE, struct.pack("!H", 1000)), timeout=20)
        assert reader.frame() == (CLOSE, struct.pack("!H", 1000))


def test_websockets_share_a_connection_with_requests(server: Server, pool: Pool) -> None:
    assert pool.request("GET", server.small_url).content == server.small

    def use(number: int) -> None:
        if number % 2:
            talk(pool, server, number)
        else:
            assert pool.request("GET", server.medium_url).content == server.medium

    run_together(8, use)
    assert pool.request("GET", server.small_url).content == server.small
    assert_quiet(pool)
