"""Fields that come in, decompressed (RFC 7541): a fast lane in front of hpack.

hpack is the authority on what a block means, and has the table. Nearly all blocks of a
server are the same few, byte for byte, as long as the table is the same: they are read
once, into a plan of what each field is made of, and the plan is kept. What the lane does
not understand at first sight is left, untouched, to hpack.
"""

import collections.abc
import contextvars
import typing

import hpack
from hpack.huffman_table import decode_huffman
from hpack.table import HeaderTable

Fields = list[tuple[bytes, bytes]]

_STATIC_TABLE = HeaderTable.STATIC_TABLE
_STATIC_SIZE = len(_STATIC_TABLE)
_OVERHEAD = 32

# Plans that a connection keeps, and the longest block that it keeps one of.
_MOST_PLANS = 64
_LONGEST_BLOCK = 1024

is_at_work = contextvars.ContextVar("is_at_work", default=False)
"""Whether hpack works for us at the moment: what it logs then may be secret."""


class _Step(typing.NamedTuple):
    """What one field is made of.

    Args:
        place: Its index in the table, or that of its name; 0 is nowhere.
        name: If it is spelled out.
        value: If it is; None: the table has it.
        is_added: Whether it is put into the table.
    """

    place: int
    name: bytes
    value: bytes | None
    is_added: bool


class _Plan(typing.NamedTuple):
    """What a block is made of.

    Args:
        steps: One for each field.
        adds: Whether one of them is put into the table.
        fields: What comes of them, if the table does not matter and is not changed.
    """

    steps: list[_Step]
    adds: bool
    fields: Fields | None


class Decompressor:
    """Decompresses the field blocks of one connection, in the order in which they come.

    Args:
        limit: The most bytes in a block's fields, counted as in RFC 9113, section 6.5.2.
    """

    __slots__ = ("_decoder", "_limit", "_plans", "_table")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._decoder = hpack.Decoder(max_header_list_size=limit)
        self._table = self._decoder.header_table
        self._plans: dict[bytes, _Plan] = {}

    def decompress(self, block: bytes) -> Fields:
        """Returns the fields of a block.

        Raises:
            hpack.OversizedHeaderListError: They are too many, or too long.
            hpack.HPACKError, ValueError, IndexError: The block cannot be read. What
                comes behind it on this connection cannot, either.
        """
        plan = self._plans.get(block)
        if plan is None:
            plan = _read(block) if len(block) <= _LONGEST_BLOCK else None
            if plan is None:
                return self._decode(block)
            if len(self._plans) >= _MOST_PLANS:
                self._plans.clear()
            self._plans[block] = plan
        if plan.fields is not None:
            return plan.fields.copy()
        if plan.adds:
            return self._carry_out_with_additions(plan.steps)
        return self._carry_out(plan.steps)

    def _decode(self, block: bytes) -> Fields:
        token = is_at_work.set(True)
        try:
            decoded = self._decoder.decode(block, raw=True)
        finally:
            is_at_work.reset(token)
        # Pairs of its own class, which are told apart from tuples by nobody.
        return [(bytes(name), bytes(value)) for name, value in decoded]

    def _carry_out_with_additions(self, steps: list[_Step]) -> Fields:
        # Each may push others out, and hpack logs those.
        token = is_at_work.set(True)
        try:
            return self._carry_out(steps)
        finally:
            is_at_work.reset(token)

    def _carry_out(self, steps: list[_Step]) -> Fields:
        table = self._table
        entries = table.dynamic_entries
        fields: Fields = []
        # Looked at on the way: a byte may stand for an entry of thousands.
        left = self._limit
        for index, name, value, is_added in steps:
            if not index:
                assert value is not None
                field = (name, value)
            else:
                if index <= _STATIC_SIZE:
                    field = _STATIC_TABLE[index - 1]
                elif index <= _STATIC_SIZE + len(entries):
                    field = entries[index - _STATIC_SIZE - 1]
                else:
                    raise hpack.InvalidTableIndexError(f"there is no entry {index}")
                if value is not None:
                    field = (field[0], value)
            if is_added:
                table.add(*field)
            left -= len(field[0]) + len(field[1]) + _OVERHEAD
            if left < 0:
                raise hpack.OversizedHeaderListError(f"more than {self._limit} bytes of fields")
            fields.append(field)
        return fields


def _read(block: bytes) -> _Plan | None:
    """Reads a block; None if it has anything that is hpack's to judge."""
    try:
        steps = list(_steps_of(block))
    except (_Unclear, hpack.HPACKError, IndexError):
        return None
    adds = any(step.is_added for step in steps)
    if adds or any(step.place > _STATIC_SIZE for step in steps):
        return _Plan(steps, adds, None)
    return _Plan(steps, adds, [_constant(step) for step in steps])


class _Unclear(Exception):  # noqa: N818 - it never leaves this module
    """Something in a block is not of the plain kind."""


def _steps_of(block: bytes) -> collections.abc.Iterator[_Step]:
    position, end = 0, len(block)
    while position < end:
        first = block[position]
        if first & 0x80:
            index, position = _read_number(block, position, 0x7F)
            if not index:
                raise _Unclear
            yield _Step(index, b"", None, is_added=False)
            continue
        is_added = bool(first & 0x40)
        if not is_added and first & 0x20:
            # The table is to be resized.
            raise _Unclear
        index, position = _read_number(block, position, 0x3F if is_added else 0x0F)
        name = b""
        if not index:
            name, position = _read_text(block, position)
        value, position = _read_text(block, position)
        yield _Step(index, name, value, is_added)


def _read_number(block: bytes, position: int, mask: int) -> tuple[int, int]:
    """Returns a number (section 5.1), and where what follows begins."""
    number = block[position] & mask
    position += 1
    if number < mask:
        return number, position
    shift = 0
    while True:
        octet = block[position]
        position += 1
        number += (octet & 0x7F) << shift
        shift += 7
        if octet < 0x80:
            return number, position
        if shift > 21:
            raise _Unclear


def _read_text(block: bytes, position: int) -> tuple[bytes, int]:
    """Returns a string literal (section 5.2), and where what follows begins."""
    is_coded = block[position] & 0x80
    length, position = _read_number(block, position, 0x7F)
    end = position + length
    text = block[position:end]
    if len(text) != length:
        raise _Unclear
    return (decode_huffman(text) if is_coded else text), end


def _constant(step: _Step) -> tuple[bytes, bytes]:
    """Returns the field of a step that the table of the connection has no part in."""
    if not step.place:
        assert step.value is not None
        return step.name, step.value
    name, value = _STATIC_TABLE[step.place - 1]
    return name, value if step.value is None else step.value
