"""One layer of TLS between bytes and bytes: nothing here waits, and no socket is seen.

The `ssl` module encrypts between two buffers in memory. What lies below, where the
ciphertext comes from, may be a connection or another such layer (the tunnel of an
HTTPS proxy); what is to be sent is asked for by whoever sends.
"""

import collections.abc
import ssl

from httpcore_interface import ReadError

from ._failures import describe

# Bytes of ciphertext that are asked for at once.
_CHUNK = 64 * 1024

# The most that one record can carry (RFC 8446, section 5.1).
_RECORD = 16 * 1024

Take = collections.abc.Callable[[int], bytes | None]
"""Returns up to so many bytes; None if none have come, `b""` if none will.

Raises ReadError if none will because something failed.
"""


class TLSLayer:
    """The client's side of one TLS connection.

    Args:
        below: Where the ciphertext comes from.
        ssl_context: What to offer and whom to trust.
        server_hostname: The name to send and to find in the certificate.

    Raises:
        ValueError: No host can have this name, or the context needs one.

    Attributes:
        ssl_object: What encrypts and decrypts.
        outgoing: The ciphertext that has to be sent.
    """

    __slots__ = (
        "_below",
        "_failure",
        "_has_ended",
        "_incoming",
        "_seen",
        "outgoing",
        "ssl_object",
    )

    def __init__(
        self, below: Take, ssl_context: ssl.SSLContext, server_hostname: str | None
    ) -> None:
        _check_server_hostname(server_hostname, ssl_context)
        self._below = below
        self._incoming = ssl.MemoryBIO()
        self.outgoing = ssl.MemoryBIO()
        self.ssl_object = ssl_context.wrap_bio(
            self._incoming, self.outgoing, server_hostname=server_hostname
        )
        # Decrypted, but only to see whether there was something.
        self._seen = b""
        self._has_ended = False
        self._failure: ssl.SSLError | None = None

    def shake_hands(self) -> bool:
        """Goes on with the handshake as far as it goes.

        Returns:
            Whether it is over; if not, and nothing is outgoing, it needs more to come.

        Raises:
            ReadError: What lies below has failed.
            OSError: The handshake has failed, an `ssl.SSLError`.
        """
        while True:
            try:
                self.ssl_object.do_handshake()
            except ssl.SSLWantReadError:
                if self.outgoing.pending or not self.feed():
                    return False
            else:
                return True

    def feed(self) -> bool:
        """Takes ciphertext from below; False if there is none."""
        ciphertext = self._below(_CHUNK)
        if ciphertext is None:
            return False
        if ciphertext:
            self._incoming.write(ciphertext)
        else:
            self._incoming.write_eof()
        return True

    def take(self, max_bytes: int) -> bytes | None:
        """Returns the next of the decrypted bytes.

        A peer that closes the connection without saying so first has ended the stream
        like any other: whether bytes are missing is for the protocol above to tell.

        Returns:
            None if there are none, `b""` if there will be none.

        Raises:
            ReadError: There will be none because the connection failed, or was closed
                on this side.
        """
        if self._seen:
            octets, self._seen = self._seen[:max_bytes], self._seen[max_bytes:]
            return octets
        # First, so that an attempt that costs an exception is rarely made.
        has_input = self._incoming.pending or self.ssl_object.pending()
        while True:
            if self._has_ended:
                return b""
            if self._failure is not None:
                raise ReadError(describe(self._failure)) from self._failure
            if not has_input and not self.feed():
                return None
            has_input = False
            octets = self._decrypt(max_bytes)
            if octets:
                return octets

    def _decrypt(self, max_bytes: int) -> bytes:
        """Returns what can be decrypted; whether that was all is noted."""
        try:
            octets = self.ssl_object.read(max_bytes)
        except ssl.SSLWantReadError:
            return b""
        except ssl.SSLError as exc:
            if _is_end_of_stream(exc):
                self._has_ended = True
            else:
                self._failure = exc
            return b""
        self._has_ended = not octets
        return octets

    @property
    def has_news(self) -> bool:
        """Whether `take` would return something else than None."""
        if self._seen or self._has_ended:
            return True
        try:
            seen = self.take(_RECORD)
        except ReadError:
            # Which `take` will raise again.
            return True
        self._seen = seen or b""
        return seen is not None

    def encrypt(self, octets: bytes | memoryview) -> None:
        """Makes ciphertext, all of which is then outgoing.

        Raises:
            OSError: The connection has failed, an `ssl.SSLError`; an
                `ssl.SSLWantReadError` if it needs more to come first.
        """
        written = self.ssl_object.write(octets)
        assert written == len(octets)


def _check_server_hostname(server_hostname: str | None, ssl_context: ssl.SSLContext) -> None:
    """Finds what the `ssl` module finds late, or not at all.

    Raises:
        ValueError: No host can have this name, or the context needs one.
    """
    if server_hostname is not None:
        if "\0" in server_hostname:
            raise ValueError(f"server_hostname {server_hostname!r} contains a null character")
        server_hostname.encode("idna")
    # Between two buffers in memory the ssl module would take a certificate of anyone.
    if ssl_context.check_hostname and not server_hostname:
        raise ValueError("check_hostname requires server_hostname")


def _is_end_of_stream(exc: ssl.SSLError) -> bool:
    """Returns whether the peer has ended the stream, with a farewell or without."""
    return (
        isinstance(exc, (ssl.SSLZeroReturnError, ssl.SSLEOFError))
        or exc.reason == "UNEXPECTED_EOF_WHILE_READING"
    )
