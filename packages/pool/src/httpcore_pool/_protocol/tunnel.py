"""Tunnels through HTTP proxies: CONNECT (RFC 9110, section 9.3.6; RFC 9112, section 3.2.3).

Nothing here shows the fields of the request: one of them may be a password.
"""

import collections.abc

from httpcore_interface import LocalProtocolError, ProxyError, RemoteProtocolError

from .http11 import Head, RequestWriter, ResponseReader
from .http11.grammar import is_token

Fields = collections.abc.Sequence[tuple[bytes, bytes]]

_ACCEPT = (b"Accept", b"*/*")

# One that sends nothing else keeps its client busy for ever.
_MOST_INTERIM_HEADS = 100


class ConnectHandshake:
    """Asks an HTTP proxy for a tunnel.

    Args:
        host: A name, or an address without brackets; a zone is dropped.
        port: 0 to 65535.
        fields: For the proxy, such as `Proxy-Authorization`; (name, value) pairs.
            A `Host` or an `Accept` among them replaces the one that is sent otherwise.

    Attributes:
        is_done: As `Handshake` has it; likewise `unread`.

    Raises:
        LocalProtocolError: The host or a field cannot be sent, or the fields announce
            a body.
    """

    __slots__ = ("_interim_heads", "_reader", "_request", "is_done", "unread")

    def __init__(self, host: bytes, port: int, fields: Fields) -> None:
        self._request = _write_request(_authority(host, port), fields)
        self._reader = ResponseReader(self._request)
        self._interim_heads = 0
        self.is_done = False
        self.unread = b""

    def begin(self) -> bytes:
        """Returns the request, which is all that there is to send."""
        return self._request.head

    def receive(self, received: bytes) -> bytes:
        """Takes what was received; see `Handshake`.

        Returns:
            `b""`.

        Raises:
            ProxyError: The proxy refuses (its response is in the attributes `status`,
                `reason` and `headers`), breaks the rules, or broke off.
        """
        assert not self.is_done
        if not received:
            raise ProxyError(
                "the proxy closed the connection after "
                f"{self._reader.received} bytes of its response to CONNECT"
            )
        self._reader.feed(received)
        head = self._next_final_head()
        if head is None:
            return b""
        _, status, reason, fields = head
        if not 200 <= status <= 299:
            # Programs look for the status and the reason, as they come on the wire.
            text = reason.decode("ascii", "backslashreplace")
            raise ProxyError(
                f"{status} {text}".rstrip(), status=status, reason=reason, headers=fields
            )
        # Whatever framing such a response has, it has no body.
        self.is_done = True
        self.unread = self._reader.unread
        return b""

    def _next_final_head(self) -> Head | None:
        try:
            while (head := self._reader.next_head()) is not None:
                if head[1] >= 200 or head[1] == 101:
                    return head
                self._interim_heads += 1
                if self._interim_heads > _MOST_INTERIM_HEADS:
                    raise ProxyError(
                        f"the proxy sent more than {_MOST_INTERIM_HEADS} interim responses"
                    )
        except RemoteProtocolError as exc:
            raise ProxyError(f"the proxy's response to CONNECT is not valid: {exc}") from exc
        return None


def _authority(host: bytes, port: int) -> bytes:
    if b":" in host:
        # A zone means something on this host only.
        host = b"[%b]" % host.partition(b"%")[0]
    return b"%b:%d" % (host, port)


def _write_request(authority: bytes, fields: Fields) -> RequestWriter:
    # By itself first: what is wrong with the host may be told.
    host = (b"Host", authority)
    RequestWriter(b"CONNECT", authority, [host])
    names = {name.lower() for name, _ in fields}
    ours = [(name, value) for name, value in (host, _ACCEPT) if name.lower() not in names]
    fault = ""
    try:
        request = RequestWriter(b"CONNECT", authority, [*ours, *fields])
    except LocalProtocolError:
        fault = _describe_fault(host, fields)
    if fault:
        # Raised out here, so that it has no context: that shows the value.
        raise LocalProtocolError(fault)
    if request.has_body:
        raise LocalProtocolError("the fields for the proxy announce a body: CONNECT has none")
    return request


def _describe_fault(host: tuple[bytes, bytes], fields: Fields) -> str:
    """Tells which field cannot be sent, but not its value."""
    for number, field in enumerate(fields, 1):
        name = field[0]
        if not is_token(name):
            return f"the name of field {number} for the proxy is not valid"
        fields_by_itself = [field] if name.lower() == b"host" else [host, field]
        try:
            RequestWriter(b"CONNECT", host[1], fields_by_itself)
        except LocalProtocolError:
            return f"the value of field {number} for the proxy, {name!r}, is not valid"
    return "the fields for the proxy are not valid together"
