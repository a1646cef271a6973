"""Defects of HTTP/2 that were found in use, each with the test that shows it."""

import ssl
import typing

import hpack
import pytest

from httpcore_interface import NetworkBackend, NetworkStream, RemoteProtocolError
from httpcore_pool import ConnectionPool

SETTINGS = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"


def block(number: int, *fields: tuple[bytes, bytes]) -> bytes:
    """A head that ends its stream, in one frame."""
    octets: bytes = hpack.Encoder().encode(list(fields))
    size, stream = len(octets).to_bytes(3, "big"), number.to_bytes(4, "big")
    return b"%b\x01\x05%b%b" % (size, stream, octets)


# Whatever was sent, the server has done nothing about it, and goes.
GOAWAY = b"\x00\x00\x08\x07\x00\x00\x00\x00\x00" + bytes(8)


class NegotiatedObject:
    """What tells that HTTP/2 was agreed on."""

    def selected_alpn_protocol(self) -> str:
        return "h2"


class PlayingStream(NetworkStream):
    """Gives what it holds, one part to each read."""

    def __init__(self, *parts: bytes) -> None:
        self.parts = list(parts)
        self.written = b""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self.parts.pop(0)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.written += buffer

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> NetworkStream:
        return self

    def close(self) -> None:
        pass

    # The type is the interface's.
    def get_extra_info(self, info: str) -> typing.Any:  # type: ignore[explicit-any]
        return NegotiatedObject() if info == "ssl_object" else None


class PlayingBackend(NetworkBackend):
    """Connects to one stream after the other."""

    def __init__(self, *streams: NetworkStream) -> None:
        self.streams = list(streams)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: object = None,
    ) -> NetworkStream:
        return self.streams.pop(0)


def test_what_a_backend_negotiates_is_spoken_although_it_was_not_asked_for() -> None:
    stream = PlayingStream(SETTINGS, block(1, (b":status", b"204")))
    with ConnectionPool(network_backend=PlayingBackend(stream)) as pool:
        response = pool.request("GET", "https://example.test/")
        assert (response.status, response.extensions["http_version"]) == (204, b"HTTP/2")
    assert stream.written.startswith(b"PRI * HTTP/2.0")


def test_request_that_many_servers_refuse_goes_out_again() -> None:
    refusing = [PlayingStream(SETTINGS, GOAWAY) for _ in range(8)]
    answering = PlayingStream(SETTINGS, block(1, (b":status", b"204")))
    backend = PlayingBackend(*refusing, answering)
    with ConnectionPool(network_backend=backend, http2=True) as pool:
        assert pool.request("POST", "https://example.test/", content=b"body").status == 204
    assert backend.streams == []


def test_request_that_all_servers_refuse_fails() -> None:
    streams = [PlayingStream(SETTINGS, GOAWAY) for _ in range(100)]
    backend = PlayingBackend(*streams)
    with ConnectionPool(network_backend=backend, http2=True) as pool:
        with pytest.raises(RemoteProtocolError, match="the server is going"):
            pool.request("GET", "https://example.test/")
        assert pool.connections == []
    assert len(backend.streams) > 80
