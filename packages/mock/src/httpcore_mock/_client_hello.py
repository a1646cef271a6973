"""What an SSL context offers by ALPN, read off what it would send.

An `ssl.SSLContext` can be told which protocols to offer, but not asked. So it is made to
begin a handshake between two buffers in memory, which is done with after the ClientHello:
the record layer and the message are those of RFC 8446, sections 5.1 and 4.1.2, the
extension is that of RFC 7301, section 3.1.
"""

import ssl

_HANDSHAKE = 22
_CLIENT_HELLO = 1
_ALPN = 16


def offered_protocols(
    ssl_context: ssl.SSLContext, server_hostname: str | None
) -> tuple[str, ...] | None:
    """Returns the protocols that a context offers, the preferred one first.

    Returns:
        None if it offers none; or if it begins no handshake, as a server's context does
        not, nor what a test has put in the place of one.
    """
    outgoing = ssl.MemoryBIO()
    try:
        ssl_object = ssl_context.wrap_bio(
            ssl.MemoryBIO(), outgoing, server_hostname=server_hostname
        )
        ssl_object.do_handshake()
    except ssl.SSLWantReadError:
        return _read_records(outgoing.read())
    except (AttributeError, OSError, TypeError, ValueError):
        pass
    return None


def _read_records(records: bytes) -> tuple[str, ...] | None:
    message = b""
    reader = _Reader(records)
    while reader.rest:
        assert reader.number(1) == _HANDSHAKE
        # The version.
        reader.take(2)
        message += reader.block(2)
    return _read_message(_Reader(message))


def _read_message(reader: "_Reader") -> tuple[str, ...] | None:
    assert reader.number(1) == _CLIENT_HELLO
    hello = _Reader(reader.block(3))
    # The version, and 32 random bytes.
    hello.take(34)
    # The session, the ciphers, the ways to compress.
    for size_of_length in (1, 2, 1):
        hello.block(size_of_length)
    extensions = _Reader(hello.block(2))
    while extensions.rest:
        kind = extensions.number(2)
        content = extensions.block(2)
        if kind == _ALPN:
            return _read_names(_Reader(_Reader(content).block(2)))
    return None


def _read_names(names: "_Reader") -> tuple[str, ...]:
    found = []
    while names.rest:
        found.append(names.block(1).decode("ascii"))
    return tuple(found)


class _Reader:
    """Takes bytes, numbers and blocks that begin with their length off a message."""

    __slots__ = ("rest",)

    def __init__(self, message: bytes) -> None:
        self.rest = message

    def take(self, size: int) -> bytes:
        taken, self.rest = self.rest[:size], self.rest[size:]
        assert len(taken) == size
        return taken

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def block(self, size_of_length: int) -> bytes:
        return self.take(self.number(size_of_length))
