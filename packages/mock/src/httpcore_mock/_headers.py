"""Header fields in the ways that they may be given, as pairs of bytes."""

import collections.abc

Headers = (
    collections.abc.Mapping[bytes, bytes]
    | collections.abc.Mapping[str, str]
    | collections.abc.Iterable[tuple[bytes | str, bytes | str]]
)
"""A mapping, or (name, value) pairs; bytes or ASCII text."""


def header_pairs(headers: Headers) -> list[tuple[bytes, bytes]]:
    """Returns header fields as (name, value) pairs of bytes.

    They are not looked at: a mock may send what no server should.

    Raises:
        UnicodeEncodeError: Text is not ASCII.
    """
    pairs = headers.items() if isinstance(headers, collections.abc.Mapping) else headers
    return [(_octets(name), _octets(value)) for name, value in pairs]


def _octets(text: bytes | str) -> bytes:
    return text.encode("ascii") if isinstance(text, str) else text
