"""Certificates for servers on this host, made once: keys take their time."""

import datetime
import functools
import ssl

import trustme

HOSTNAME = "localhost"
"""The name in the certificates."""


class Authority:
    """One that issues certificates to servers."""

    def __init__(self) -> None:
        self._authority = trustme.CA(key_type=trustme.KeyType.ECDSA)

    @functools.cached_property
    def server_context(self) -> ssl.SSLContext:
        """What a server with a good certificate uses. Not to be changed."""
        return self.make_server_context()

    @functools.cached_property
    def expired_context(self) -> ssl.SSLContext:
        """What a server uses whose certificate has expired. Not to be changed."""
        now = datetime.datetime.now(datetime.UTC)
        return self._certify(
            not_before=now - datetime.timedelta(days=2),
            not_after=now - datetime.timedelta(days=1),
        )

    def make_server_context(self) -> ssl.SSLContext:
        """Returns the context of a server, to be changed at will."""
        return self._certify(not_before=None, not_after=None)

    def _certify(
        self, not_before: datetime.datetime | None, not_after: datetime.datetime | None
    ) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert(
            HOSTNAME,
            not_before=not_before,
            not_after=not_after,
            key_type=trustme.KeyType.ECDSA,
        ).configure_cert(context)
        return context

    def make_client_context(self) -> ssl.SSLContext:
        """Returns the context of a client that trusts this authority alone."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._authority.configure_trust(context)
        return context


@functools.cache
def authority() -> Authority:
    """Returns the authority that the clients here trust."""
    return Authority()


@functools.cache
def stranger() -> Authority:
    """Returns an authority that nobody trusts."""
    return Authority()
