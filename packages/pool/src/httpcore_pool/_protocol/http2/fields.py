"""Heads as lists of fields: what may be sent, and what is malformed (RFC 9113, section 8)."""

import collections.abc
import re

from httpcore_interface import LocalProtocolError

from ..http11 import grammar
from .errors import ErrorCode, StreamFault

Fields = list[tuple[bytes, bytes]]
Head = tuple[int, Fields]
"""Status, and the fields as (name, value) pairs."""

# RFC 9113, section 8.2.2: they are about a connection of HTTP/1.1.
_OF_THE_CONNECTION = frozenset(
    {b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"}
)

_HTTP_SCHEMES = {b"ws": b"http", b"wss": b"https"}

# RFC 9110, section 5.5, as RFC 9113, section 8.2.1 sharpens it. Tabs are white space.
_VISIBLE = rb"[\x21-\x7e\x80-\xff]"
_VALUE = rb"(?:" + _VISIBLE + rb"(?:[\t\x20-\x7e\x80-\xff]*" + _VISIBLE + rb")?)?"
_is_value = re.compile(_VALUE).fullmatch
_is_values = re.compile(_VALUE + rb"(?:\n" + _VALUE + rb")*").fullmatch
_is_lower_name = re.compile(rb"[-!#$%&'*+.^_`|~0-9a-z]+").fullmatch
_is_target = re.compile(rb"[\x21-\x7e]+").fullmatch
# Names that are known to be allowed: servers send the same few over and over. Bounded,
# since names may be made up.
_known_names: set[bytes] = set()
_MOST_KNOWN_NAMES = 1024
_LONGEST_KNOWN_NAME = 64

_is_status = re.compile(rb"[1-9][0-9][0-9]").fullmatch


def request_fields(
    method: bytes,
    scheme: bytes,
    authority: bytes,
    target: bytes,
    fields: collections.abc.Iterable[tuple[bytes, bytes]],
    protocol: bytes | None = None,
) -> Fields:
    """Returns the fields of a request as HTTP/2 has them, pseudo-fields first.

    What concerns a connection of HTTP/1.1 is left out, names are written small, and
    the `Host` field becomes `:authority` (sections 8.2.2, 8.2 and 8.3.1).

    Args:
        method: Such as `b"GET"`.
        scheme: Such as `b"https"`.
        authority: Where it goes, unless there is a `Host` field.
        target: The path and the query.
        fields: As for HTTP/1.1.
        protocol: What an extended CONNECT asks for (RFC 8441, section 4). Such a request
            has the scheme of HTTP, also for a WebSocket (section 5).

    Raises:
        LocalProtocolError: The request would not be valid.
    """
    rest: Fields = []
    dropped = _OF_THE_CONNECTION
    for name, value in fields:
        small = name.lower()
        if small == b"host":
            authority = value
        elif small == b"connection":
            # What it names concerns the connection as well (RFC 9110, section 7.6.1).
            dropped = dropped | {option.strip() for option in value.lower().split(b",")}
        elif small not in dropped and (small != b"te" or value.lower() == b"trailers"):
            if not _is_lower_name(small):
                raise LocalProtocolError(f"Illegal header name {name!r}")
            if not _is_value(value):
                raise LocalProtocolError(f"Illegal header value {value!r}")
            rest.append((small, value))
    if dropped is not _OF_THE_CONNECTION:
        rest = [field for field in rest if field[0] not in dropped]
    if not grammar.is_token(method):
        raise LocalProtocolError(f"Illegal method characters {method!r}")
    for part in (authority, target):
        if part and not _is_target(part):
            raise LocalProtocolError(f"Illegal target characters {part!r}")
    if method == b"CONNECT" and protocol is None:
        if target.startswith(b"/"):
            raise LocalProtocolError(
                f"the target of a CONNECT is a host and a port, but this is {target!r}"
            )
        return [(b":method", method), (b":authority", target or authority), *rest]
    pseudo = [
        (b":method", method),
        (b":scheme", scheme),
        (b":authority", authority),
        (b":path", target or b"/"),
    ]
    if protocol is not None:
        if not grammar.is_token(protocol):
            raise LocalProtocolError(f"Illegal protocol {protocol!r}")
        pseudo[1] = (b":scheme", _HTTP_SCHEMES.get(scheme, scheme))
        pseudo.insert(1, (b":protocol", protocol))
    return pseudo + rest


def announced_length(fields: collections.abc.Iterable[tuple[bytes, bytes]]) -> int | None:
    """Returns what `Content-Length` says; None if it is not there.

    Raises:
        ValueError: It is there more than once, or no number.
    """
    length: int | None = None
    for name, value in fields:
        if name == b"content-length":
            # Not more digits than h11 takes.
            if not value.isdigit() or len(value) > 20:
                raise ValueError(f"content-length is {value!r}")
            if length is not None and int(value) != length:
                raise ValueError("there are two values of content-length")
            length = int(value)
    return length


def read_head(fields: Fields) -> Head:
    """Takes the head of a response apart.

    Raises:
        StreamFault: It is malformed (section 8.1.1).
    """
    if not fields or fields[0][0] != b":status":
        raise _malformed("the head of the response does not begin with :status")
    status = fields[0][1]
    if not _is_status(status):
        raise _malformed(f"the status {status!r} is no number of three digits")
    rest = fields[1:]
    check_fields(rest)
    return int(status), rest


def check_fields(fields: Fields) -> None:
    """Makes sure of fields behind the pseudo-fields, and of trailers.

    Raises:
        StreamFault: They are malformed.
    """
    for name, _ in fields:
        if name not in _known_names:
            _check_name(name)
    # One look at all of them; which it was matters only if one is wrong.
    if fields and not _are_values(b"\n".join([value for _, value in fields]), len(fields)):
        for name, value in fields:
            if not _is_value(value):
                raise _malformed(f"the value {value!r} of the field {name!r} is not allowed")


def _are_values(lines: bytes, count: int) -> bool:
    return lines.count(b"\n") == count - 1 and _is_values(lines) is not None


def _check_name(name: bytes) -> None:
    if not _is_lower_name(name):
        raise _malformed(f"the field name {name!r} is not allowed here")
    if name in _OF_THE_CONNECTION:
        raise _malformed(f"the field {name!r} concerns a connection of HTTP/1.1")
    if len(name) <= _LONGEST_KNOWN_NAME and len(_known_names) < _MOST_KNOWN_NAMES:
        _known_names.add(name)


def _malformed(reason: str) -> StreamFault:
    return StreamFault(ErrorCode.PROTOCOL_ERROR, reason)
