"""Fields on their way out, compressed (RFC 7541).

The table here is that of the peer's decoder, as far as this side has filled it. What was
sent before costs a byte or two and a look into a dictionary; what is likely to differ
from request to request is not put there at all, since it would push the rest out.
"""

import collections

from hpack.huffman import HuffmanEncoder
from hpack.huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH
from hpack.table import HeaderTable

Fields = list[tuple[bytes, bytes]]

# What each entry costs besides its bytes (section 4.1).
_OVERHEAD = 32
_STATIC_SIZE = len(HeaderTable.STATIC_TABLE)

# The first bits of each representation (section 6), and how many bits the number behind
# them has in the same byte.
_INDEXED, _INDEXED_BITS = 0x80, 7
_ADDED, _ADDED_BITS = 0x40, 6
_RESIZED, _RESIZED_BITS = 0x20, 5
_NEVER_ADDED, _NEVER_ADDED_BITS = 0x10, 4
_NOT_ADDED, _NOT_ADDED_BITS = 0x00, 4
_HUFFMAN, _LENGTH_BITS = 0x80, 7

# Fields that must not be left in the table of either side, where a guess could be tested
# against them (section 7.1.3).
_SECRET_FIELDS = frozenset({b"authorization", b"proxy-authorization", b"cookie"})

# Fields that are another for each request.
_PASSING_FIELDS = frozenset({b":path", b"content-length", b"range", b"if-none-match"})


def write_number(number: int, first: int, bits: int) -> bytes:
    """Returns a number behind the first bits of a byte (section 5.1)."""
    most = (1 << bits) - 1
    if number < most:
        return bytes((first | number,))
    octets = bytearray((first | most,))
    number -= most
    while number > 127:
        octets.append(number & 127 | 128)
        number >>= 7
    octets.append(number)
    return bytes(octets)


_static_fields: dict[tuple[bytes, bytes], bytes] = {}
_static_names: dict[bytes, int] = {}
for _index, (_name, _value) in enumerate(HeaderTable.STATIC_TABLE, 1):
    _static_names.setdefault(_name, _index)
    # Without a value it is there for its name, and for the empty value as well.
    _static_fields[_name, _value] = write_number(_index, _INDEXED, _INDEXED_BITS)

_huffman = HuffmanEncoder(REQUEST_CODES, REQUEST_CODES_LENGTH)


class Compressor:
    """Compresses the field blocks of one connection, in the order in which they leave.

    Args:
        size: The most bytes in the peer's table.

    Attributes:
        size: As given; see `resize`.
    """

    __slots__ = ("_added", "_entries", "_free", "_numbers", "_resizes", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self._free = size
        # The entries, the oldest first, and how many there ever were: an entry that was
        # the n-th has the index 62 while n is the count.
        self._entries: collections.deque[tuple[bytes, bytes]] = collections.deque()
        self._added = 0
        self._numbers: dict[tuple[bytes, bytes], int] = {}
        self._resizes: list[int] = []

    def resize(self, size: int) -> None:
        """Changes the most bytes in the table; the next block tells of it (section 4.2)."""
        self._free += size - self.size
        self.size = size
        self._evict()
        # Of all changes since the last block the smallest and the last matter.
        self._resizes = [min([*self._resizes, size]), size]

    def compress(self, fields: Fields) -> bytes:
        """Returns a block of fields."""
        parts: list[bytes] = []
        if self._resizes:
            least, last = self._resizes
            self._resizes = []
            sizes = (least, last) if least < last else (last,)
            parts += [write_number(size, _RESIZED, _RESIZED_BITS) for size in sizes]
        numbers = self._numbers
        for field in fields:
            part = _static_fields.get(field)
            if part is None:
                number = numbers.get(field)
                if number is None:
                    part = self._literal(*field)
                else:
                    index = _STATIC_SIZE + 1 + self._added - number
                    part = write_number(index, _INDEXED, _INDEXED_BITS)
            parts.append(part)
        return b"".join(parts)

    def _literal(self, name: bytes, value: bytes) -> bytes:
        if name in _SECRET_FIELDS:
            return _plain_literal(_NEVER_ADDED, _NEVER_ADDED_BITS, name, value)
        # What would take a good part of the table is not worth it.
        size = len(name) + len(value) + _OVERHEAD
        if name in _PASSING_FIELDS or size * 4 > self.size:
            return _plain_literal(_NOT_ADDED, _NOT_ADDED_BITS, name, value)
        self._add((name, value), size)
        return _named(_ADDED, _ADDED_BITS, name) + _shortest(value)

    def _add(self, field: tuple[bytes, bytes], size: int) -> None:
        self._free -= size
        self._evict()
        self._entries.append(field)
        self._added += 1
        self._numbers[field] = self._added

    def _evict(self) -> None:
        """Section 4.4: the oldest entries make place."""
        while self._free < 0 and self._entries:
            field = self._entries.popleft()
            self._free += len(field[0]) + len(field[1]) + _OVERHEAD
            del self._numbers[field]


def _named(first: int, bits: int, name: bytes) -> bytes:
    """Returns the beginning of a literal: its kind and its name."""
    index = _static_names.get(name)
    if index is None:
        return bytes((first,)) + _shortest(name)
    return write_number(index, first, bits)


def _plain_literal(first: int, bits: int, name: bytes, value: bytes) -> bytes:
    # Written for this one block: the bits that Huffman codes would save are not worth
    # the time.
    return _named(first, bits, name) + write_number(len(value), 0, _LENGTH_BITS) + value


def _shortest(text: bytes) -> bytes:
    """Returns a string literal (section 5.2)."""
    coded: bytes = _huffman.encode(text)
    if len(coded) < len(text):
        return write_number(len(coded), _HUFFMAN, _LENGTH_BITS) + coded
    return write_number(len(text), 0, _LENGTH_BITS) + text
