"""The grammar of the fast lane: a strict part of RFC 9110 section 5 and RFC 9112.

Narrower than h11's everywhere: no control characters, no line folding, no bare
line feeds, no white space at the end of a value. One rule: a pattern here may
refuse what h11 takes, never the other way round.
"""

import re

HEAD_LIMIT = 100 * 1024
"""Bytes in a response head. h11's own 16 KiB is too small for real servers."""

TOKEN = rb"[-!#$%&'*+.^_`|~0-9A-Za-z]+"
# A value begins with a visible character and contains no control but the tab;
# obs-text (0x80 to 0xff) is passed through as h11 does (RFC 9110, section 5.5).
_VALUE = rb"(?:[\x21-\x7e\x80-\xff][\t\x20-\x7e\x80-\xff]*)?"

is_token = re.compile(TOKEN).fullmatch
is_target = re.compile(rb"[\x21-\x7e]+").fullmatch

# Lines as this library writes them: "name: value".
_is_written_block = re.compile(rb"(?:" + TOKEN + rb": " + _VALUE + rb"\r\n)*").fullmatch

# Lines as servers write them: any white space, or none, before the value. With
# (?m) a match can only begin at the beginning of a line.
_find_fields = re.compile(rb"(?m)^(" + TOKEN + rb"):[ \t]*(" + _VALUE + rb")\r\n").findall

match_status_line = re.compile(
    rb"HTTP/1\.1 ([1-5][0-9][0-9])(?: ([\t\x20-\x7e\x80-\xff]*))?\r\n"
).match

match_chunk_size = re.compile(rb"([0-9A-Fa-f]{1,8})\r\n").match
may_become_chunk_size = re.compile(rb"[0-9A-Fa-f]{0,8}\r?").fullmatch


def _ends_a_line_in_space(block: bytes, start: int) -> bool:
    return block.find(b" \r\n", start) >= 0 or block.find(b"\t\r\n", start) >= 0


def is_plain_block(block: bytes, count: int) -> bool:
    """Returns whether `block`, made of `count` fields, is that many plain lines.

    A value that contained a line break of its own would make more lines.
    """
    return (
        block.count(b"\n") == count
        and _is_written_block(block) is not None
        and not _ends_a_line_in_space(block, 0)
    )


def parse_fields(block: bytes, start: int) -> list[tuple[bytes, bytes]] | None:
    """Parses header lines into (name, value) pairs of bytes, the names as written.

    Args:
        block: A head whose lines, the last one too, end in CRLF.
        start: Where its first header line begins.

    Returns:
        The fields; None if a line is not plain.
    """
    fields = _find_fields(block, start)
    # A match lies within one line and begins where it begins. So when there are
    # as many matches as line feeds, every line is matched from end to end.
    if len(fields) != block.count(b"\n", start) or _ends_a_line_in_space(block, start):
        return None
    return fields
