"""TLS between buffers in memory, as the client: what came in, what is to go out.

Pure: nothing here has a socket, waits or knows the time. Whoever uses a layer brings
it the ciphertext that has come, and sends the ciphertext that it hands out, in that
order. Layers stack: one that has a carrier sends its ciphertext through it, as the
tunnel of an HTTPS proxy asks for.
"""

import ssl
import typing

if typing.TYPE_CHECKING:
    from _typeshed import ReadableBuffer

# Bytes that one layer takes out of another at once: a TLS record (RFC 8446, section 5.1).
_RECORD = 16 * 1024

# A record of so many bytes has others behind it, more often than not.
_LARGE = 8 * 1024


class TLSLayer:
    """One end of a TLS connection, the client's.

    Its methods raise `ssl.SSLError` where the peer breaks the rules.

    Args:
        ssl_context: What to offer and whom to trust. It is not changed.
        server_hostname: The name to send and to find in the certificate.
        carrier: The layer that encrypts our ciphertext in turn, if any. It belongs to
            this layer from now on.

    Attributes:
        ssl_object: What the `ssl` module knows about the connection.

    Raises:
        ValueError: No host can have this name, or the context needs one.
    """

    __slots__ = ("_ahead", "_carrier", "_failure", "_incoming", "_outgoing", "ssl_object")

    def __init__(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        carrier: "TLSLayer | None" = None,
    ) -> None:
        check_server_hostname(server_hostname, ssl_context)
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self.ssl_object = ssl_context.wrap_bio(
            self._incoming, self._outgoing, server_hostname=server_hostname
        )
        self._carrier = carrier
        # What was decrypted before anybody asked for it; b"" at the end of the stream.
        self._ahead: bytes | None = None
        # Why nothing can be decrypted any more. Asked once more, the ssl module would
        # report a stream that has ended.
        self._failure: ssl.SSLError | None = None

    def shake_hands(self) -> bool:
        """Goes on with the handshake.

        Returns:
            Whether it is over; if not, the peer's next ciphertext is needed. Either way
            there may be ciphertext to send.
        """
        try:
            self.ssl_object.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def receive(self, ciphertext: bytes) -> None:
        """Takes what the peer has sent; `b""` when it has ended its stream."""
        if self._carrier is None:
            self._feed(ciphertext)
            return
        try:
            self._carrier.receive(ciphertext)
            while (inner := self._carrier.decrypt(_RECORD)) is not None:
                self._feed(inner)
                if not inner:
                    break
        except ssl.SSLError as exc:
            self._failure = exc
            raise

    def _feed(self, ciphertext: bytes) -> None:
        if ciphertext:
            self._incoming.write(ciphertext)
        else:
            self._incoming.write_eof()

    def decrypt(self, max_bytes: int) -> bytes | None:
        """Returns what has come, decrypted.

        A peer that ends its stream without TLS's farewell has ended it like any other:
        many servers do, and whether bytes are missing is for the protocol above to tell.

        Returns:
            1 to `max_bytes` bytes; `b""` at the end of the stream; None if more
            ciphertext is needed.
        """
        if self._ahead:
            octets, self._ahead = self._ahead[:max_bytes], self._ahead[max_bytes:] or None
            return octets
        if self._ahead is None:
            return self._decrypt(max_bytes)
        return b""

    def _decrypt(self, max_bytes: int, *, gathers: bool = True) -> bytes | None:
        if self._failure is not None:
            raise ssl.SSLError(*self._failure.args) from self._failure
        try:
            octets = self.ssl_object.read(max_bytes)
        except ssl.SSLWantReadError:
            return None
        except ssl.SSLError as exc:
            if not _is_end_of_stream(exc):
                self._failure = exc
                raise
            octets = b""
        if not octets:
            self._ahead = octets
        elif gathers and len(octets) >= _LARGE and self._incoming.pending > 0:
            octets = self._gather(octets, max_bytes)
        return octets

    def _gather(self, octets: bytes, max_bytes: int) -> bytes:
        """Returns what was read, and the records behind it that have come as well.

        Where much is sent, each read would else give one record of 16 kB.
        """
        parts, left = [octets], max_bytes - len(octets)
        while left > 0 and (self._incoming.pending > 0 or self.ssl_object.pending() > 0):
            try:
                octets = self.ssl_object.read(left)
            except ssl.SSLWantReadError:
                break
            except ssl.SSLError as exc:
                # Told by the next read: OpenSSL tells of it once.
                if _is_end_of_stream(exc):
                    self._ahead = b""
                else:
                    # Without the frames of this read, which its result may outlive.
                    self._failure = exc.with_traceback(None)
                break
            if not octets:
                self._ahead = b""
                break
            parts.append(octets)
            left -= len(octets)
        return b"".join(parts)

    def encrypt(self, buffer: "ReadableBuffer") -> int:
        """Encrypts bytes, to be sent.

        Returns:
            How many of them; 0 if the peer's next ciphertext is needed first.
        """
        try:
            # A buffer in memory takes what there is, but the ssl module need not give it.
            return self.ssl_object.write(buffer)
        except ssl.SSLWantReadError:
            return 0

    def take_ciphertext(self) -> bytes:
        """Returns what is to be sent, once: it is the caller's from now on."""
        ciphertext = self._outgoing.read()
        if self._carrier is None:
            return ciphertext
        with memoryview(ciphertext) as view:
            sent = 0
            while sent < len(view):
                with view[sent:] as rest:
                    sent += self._carrier.encrypt(rest) or _stuck()
        return self._carrier.take_ciphertext()

    def is_readable(self) -> bool:
        """Returns whether `decrypt` has anything to return, the end of the stream included.

        What has come is decrypted for it: half a record, or one in which TLS talks to
        itself, is nothing to read.
        """
        if self._ahead is None:
            try:
                self._ahead = self._decrypt(_RECORD, gathers=False)
            except ssl.SSLError:
                # Told by the next decrypt.
                return True
        return self._ahead is not None

    def has_input(self) -> bool:
        """Returns whether there may be something to decrypt; cheaper than `is_readable`."""
        return (
            self._ahead is not None
            or self._failure is not None
            or self.ssl_object.pending() > 0
            or self._incoming.pending > 0
            or self._incoming.eof
        )


def _stuck() -> int:
    raise ssl.SSLError(ssl.SSL_ERROR_SSL, "the outer peer renegotiates during a write")


def check_server_hostname(server_hostname: str | None, ssl_context: ssl.SSLContext) -> None:
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
    return (
        isinstance(exc, (ssl.SSLZeroReturnError, ssl.SSLEOFError))
        or exc.reason == "UNEXPECTED_EOF_WHILE_READING"
    )
