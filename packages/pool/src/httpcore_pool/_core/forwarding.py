"""Requests as a proxy wants them that forwards them."""

import re

from httpcore_interface import LocalProtocolError

from .._messages import Fields, Request
from .._protocol.http11 import RequestWriter
from .._url import URL


class Forwarding:
    """How requests are written that a proxy forwards.

    Args:
        fields: What the proxy is told with each of them; where a request has a field
            of the same name, that one is sent.
    """

    __slots__ = ("_fields",)

    def __init__(self, fields: Fields) -> None:
        self._fields = [(name.lower(), (name, value)) for name, value in fields]

    def writer(self, request: Request) -> RequestWriter:
        """Returns a request as bytes.

        Raises:
            LocalProtocolError: It would not be valid.
        """
        return RequestWriter(
            request.method,
            absolute_form(request.method, request.url),
            self._joined(request.headers),
        )

    def _joined(self, fields: Fields) -> Fields:
        names = {name.lower() for name, _ in fields}
        ours = [field for name, field in self._fields if name not in names]
        if not ours:
            return fields
        # `Host` first, as everywhere (RFC 9110, section 7.2).
        hosts = 1 if fields and fields[0][0].lower() == b"host" else 0
        return [*fields[:hosts], *ours, *fields[hosts:]]


def absolute_form(method: bytes, url: URL) -> bytes:
    """Returns the target of a request to a proxy (RFC 9112, section 3.2.2).

    A target that was asked for in place of the URL's keeps its meaning: the path of the
    same origin, `*` for the whole of it (section 3.2.4), or what is absolute already.

    Raises:
        LocalProtocolError: The URL's host would be taken for another.
    """
    target = url.target
    check_host(url.host)
    if method == b"CONNECT" or not (target.startswith(b"/") or target == b"*"):
        return target
    # The scheme of a request to a websocket is that of HTTP (RFC 6455, section 4.1).
    return b"http://%b%b" % (url.host_field, b"" if target == b"*" else target)


# What ends a host in a URL, or has it begin anew; of whole URLs none comes so far.
_find_delimiter = re.compile(rb"[/?#@\\]").search


def check_host(host: bytes) -> None:
    """Makes sure that a proxy reads the host that is meant.

    Raises:
        LocalProtocolError: It would be taken for another.
    """
    if _find_delimiter(host):
        raise LocalProtocolError(f"the host {host!r} is none: a proxy would take it apart")
