"""What a mocked TLS connection tells of itself."""

import typing

_VERSION = "TLSv1.3"
_CIPHER = ("TLS_AES_256_GCM_SHA384", _VERSION, 256)


class MockSSLObject:
    """Stands in for an `ssl.SSLObject`, as far as people ask one for facts.

    There was no handshake, hence no certificate: a peer that showed none is what it
    describes.

    Args:
        protocol: What was agreed on by ALPN; None if nothing was.
        server_hostname: The name that the client asked for.

    Attributes:
        server_hostname: As given.
    """

    __slots__ = ("_protocol", "server_hostname")

    def __init__(self, protocol: str | None, server_hostname: str | None = None) -> None:
        self._protocol = protocol
        self.server_hostname = server_hostname

    def selected_alpn_protocol(self) -> str | None:
        """Returns what was agreed on by ALPN."""
        return self._protocol

    def version(self) -> str:
        """Returns the version of TLS."""
        return _VERSION

    def cipher(self) -> tuple[str, str, int]:
        """Returns the cipher: its name, its protocol, the bits of its key."""
        return _CIPHER

    @typing.overload
    def getpeercert(self, binary_form: typing.Literal[False] = False) -> dict[str, str]: ...
    @typing.overload
    def getpeercert(self, binary_form: typing.Literal[True]) -> None: ...
    def getpeercert(self, binary_form: bool = False) -> dict[str, str] | None:
        """Returns the peer's certificate: an empty one, or None in binary form."""
        return None if binary_form else {}

    def compression(self) -> None:
        """Returns None: TLS does not compress."""
