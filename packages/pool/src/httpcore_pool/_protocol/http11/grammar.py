"""The grammar of the fast lane: a strict part of RFC 9110 section 5 and RFC 9112.

Narrower than h11's everywhere: no control characters, no line folding, no bare
line feeds, no white space but single spaces around values. One rule: what is here
may refuse what h11 takes, never the other way round.
"""

import functools
import re

HEAD_LIMIT = 100 * 1024
"""Bytes in a response head. h11's own 16 KiB is too small for real servers."""

# What has been matched is never given back (++ and *+): nothing that may follow
# could begin with it.
_TOKEN = rb"[-!#$%&'*+.^_`|~0-9A-Za-z]++"
# obs-text (0x80 to 0xff) is passed through as h11 does (RFC 9110, section 5.5).
_VALUE = rb"(?! )[\x20-\x7e\x80-\xff]*+(?<! )"

is_token = re.compile(_TOKEN).fullmatch

_is_request_head = re.compile(
    _TOKEN + rb" [\x21-\x7e]++ HTTP/1\.1\r\n(?:[\x21-\x7e]++ " + _VALUE + rb"\r\n)*+\r\n"
).fullmatch

_match_status_line = re.compile(
    rb"HTTP/1\.1 ([1-5][0-9][0-9])(?: ([\x20-\x7e\x80-\xff]*+))?\r\n"
).fullmatch
# Status lines are remembered, so they must not be of any length.
_LONGEST_STATUS_LINE = 80

# With (?m) a match can only begin where a line begins.
_find_fields = re.compile(rb"(?m)^(" + _TOKEN + rb"): ?(" + _VALUE + rb")\r\n").findall

match_chunk_size = re.compile(rb"([0-9A-Fa-f]{1,8})\r\n").match
may_become_chunk_size = re.compile(rb"[0-9A-Fa-f]{0,8}\r?").fullmatch


def is_plain_head(head: bytes, count: int) -> bool:
    """Returns whether a request's head is what it was meant to be.

    Args:
        head: Put together of names that are tokens, and of a method, a target and
            values that may hold anything.
        count: How many lines it was made of, the empty one included.
    """
    # The line feeds are those that were put between the lines, so each line matches
    # for itself. The first has two spaces, and leaves none to the method and the
    # target; in the others the first space is that behind the colon, since no name
    # has one.
    return head.count(b"\n") == count and _is_request_head(head) is not None


# Servers send the same few over and over.
@functools.lru_cache(maxsize=128)
def _parse_status_line(line: bytes) -> tuple[int, bytes] | None:
    match = _match_status_line(line)
    return None if match is None else (int(match[1]), match[2] or b"")


def parse_head(buffer: bytes, end: int) -> tuple[int, bytes, list[tuple[bytes, bytes]]] | None:
    """Parses the head of a response.

    Args:
        buffer: Begins with the head.
        end: Where its last line but the empty one ends, CRLF included.

    Returns:
        The status, the reason, and the fields as (name, value) pairs of bytes, the
        names as written; None if the head is not plain.
    """
    start = buffer.find(b"\n") + 1
    status_line = _parse_status_line(buffer[:start]) if start < _LONGEST_STATUS_LINE else None
    if status_line is None:
        return None
    status, reason = status_line
    fields = _find_fields(buffer, start, end)
    # A match begins where a line begins, and has one line feed, at its end. So when
    # there are as many matches as line feeds, every line is matched as a whole.
    if len(fields) != buffer.count(b"\n", start, end):
        return None
    return status, reason, fields
