"""Field blocks, held to hpack: what it reads and writes is what these do (RFC 7541)."""

import hpack
import pytest
from example_settings import settings
from hypothesis import given
from hypothesis import strategies as st

from httpcore_pool._protocol.http2.compressor import Compressor, write_number
from httpcore_pool._protocol.http2.decompressor import Decompressor

Fields = list[tuple[bytes, bytes]]

LIMIT = 8000
STATUS = (b":status", b"200")


class Pair:
    """A decompressor, and hpack beside it, fed the same."""

    def __init__(self) -> None:
        self.ours = Decompressor(LIMIT)
        self.theirs = hpack.Decoder(max_header_list_size=LIMIT)

    def check(self, block: bytes) -> Fields | None:
        """Both read a block; None if both refuse it."""
        try:
            expected = [
                (bytes(name), bytes(value))
                for name, value in self.theirs.decode(block, raw=True)
            ]
        except (hpack.HPACKError, ValueError, IndexError) as exc:
            is_oversized = isinstance(exc, hpack.OversizedHeaderListError)
            refusal = hpack.OversizedHeaderListError if is_oversized else Exception
            with pytest.raises(refusal):
                self.ours.decompress(block)
            return None
        assert self.ours.decompress(block) == expected
        assert self.ours._table.dynamic_entries == self.theirs.header_table.dynamic_entries
        return expected


names = st.sampled_from(
    [b":status", b"date", b"etag", b"x-a", b"x-b", b"set-cookie", b"content-length", b"via"]
) | st.binary(max_size=20)
values = st.sampled_from([b"", b"200", b"1", b"a value", b"x" * 300]) | st.binary(max_size=60)
fields = st.lists(st.tuples(names, values), max_size=12)


# -- coming in ---------------------------------------------------------------------------


@settings(200)
@given(
    st.lists(
        st.tuples(fields, st.booleans(), st.none() | st.sampled_from([0, 40, 100, 4096])),
        max_size=6,
    )
)
def test_blocks_of_hpack_read_as_by_hpack(
    blocks: list[tuple[Fields, bool, int | None]],
) -> None:
    encoder, pair = hpack.Encoder(), Pair()
    for block_fields, huffman, size in blocks:
        if size is not None:
            encoder.header_table_size = size
        octets = encoder.encode(block_fields, huffman=huffman)
        if pair.check(octets) is None:
            return


@settings(500)
@given(st.lists(st.binary(max_size=40), max_size=5))
def test_any_bytes_read_as_by_hpack(blocks: list[bytes]) -> None:
    pair = Pair()
    for block in blocks:
        if pair.check(block) is None:
            return


@settings(300)
@given(fields, st.data())
def test_mutated_blocks_read_as_by_hpack(block_fields: Fields, data: st.DataObject) -> None:
    encoder, pair = hpack.Encoder(), Pair()
    first = encoder.encode(block_fields)
    if pair.check(first) is None:
        return
    mutated = bytearray(encoder.encode(block_fields))
    if mutated:
        at = data.draw(st.integers(0, len(mutated) - 1))
        mutated[at] = data.draw(st.integers(0, 255))
        end = data.draw(st.integers(0, len(mutated)))
        if pair.check(bytes(mutated)) is not None:
            pair.check(bytes(mutated[:end]))


@pytest.mark.parametrize(
    "block",
    [
        b"\x80",  # index 0
        b"\xbe",  # an entry of an empty table
        b"\x88\x20",  # a change of size behind a field
        b"\x3f\xe1\xff\x03",  # a size larger than allowed
        b"\x40",  # nothing behind the kind
        b"\x40\x01",  # a name that breaks off
        b"\x40\x01a\x02b",  # a value that breaks off
        b"\x40\x81\xff\x00",  # a code that is none
        b"\xff",  # a number that breaks off
        b"\xff\x80\x80\x80\x80\x80\x80\x01",  # one that is too large
        b"\x7f\x00\x00",
    ],
)
def test_blocks_that_hpack_refuses_are_refused(block: bytes) -> None:
    assert Pair().check(block) is None


def test_same_block_means_something_else_once_the_table_has_changed() -> None:
    pair, encoder = Pair(), hpack.Encoder()
    block = encoder.encode([(b"x", b"1")])
    again = encoder.encode([(b"x", b"1")])
    other = encoder.encode([(b"x", b"2")])
    assert pair.check(block) == [(b"x", b"1")]
    assert pair.check(again) == [(b"x", b"1")]
    assert pair.check(again) == [(b"x", b"1")]
    assert pair.check(other) == [(b"x", b"2")]
    # The index of the last that was added.
    assert pair.check(again) == [(b"x", b"2")]


def test_fields_of_a_plan_are_nobody_elses() -> None:
    decompressor = Decompressor(LIMIT)
    first = decompressor.decompress(b"\x88")
    first.append((b"x", b"mine"))
    assert decompressor.decompress(b"\x88") == [STATUS]


def test_many_different_blocks_are_not_kept() -> None:
    decompressor = Decompressor(LIMIT)
    for number in range(1000):
        value = b"%d" % number
        block = b"\x0f\x0d" + bytes([len(value)]) + value
        assert decompressor.decompress(block) == [(b"content-length", value)]
    assert len(decompressor._plans) <= 64


def test_small_block_of_large_fields_is_refused() -> None:
    pair, encoder = Pair(), hpack.Encoder()
    assert pair.check(encoder.encode([(b"x", bytes(3000))]))
    assert pair.check(b"\xbe\xbe") is not None
    assert pair.check(b"\xbe" * 3) is None


# -- going out ---------------------------------------------------------------------------


@settings(300)
@given(st.lists(st.tuples(fields, st.none() | st.integers(0, 4096)), max_size=8))
def test_what_goes_out_reads_as_it_was(blocks: list[tuple[Fields, int | None]]) -> None:
    compressor = Compressor(4096)
    decoder = hpack.Decoder(max_header_list_size=2**30)
    for block_fields, size in blocks:
        if size is not None:
            compressor.resize(size)
        octets = compressor.compress(block_fields)
        decoded = decoder.decode(octets, raw=True)
        assert [(bytes(name), bytes(value)) for name, value in decoded] == block_fields
        # Both sides have the same table.
        entries = list(decoder.header_table.dynamic_entries)[::-1]
        assert list(compressor._entries) == entries
        assert set(compressor._numbers) == set(entries)


def test_field_that_was_sent_before_is_a_byte() -> None:
    compressor = Compressor(4096)
    request = [
        (b":method", b"GET"),
        (b":scheme", b"https"),
        (b":authority", b"example.com"),
        (b":path", b"/"),
        (b"accept", b"*/*"),
        (b"user-agent", b"a client"),
    ]
    assert len(compressor.compress(request)) > 20
    assert len(compressor.compress(request)) == len(request)


@pytest.mark.parametrize("name", [b"authorization", b"proxy-authorization", b"cookie"])
def test_secrets_are_never_put_into_a_table(name: bytes) -> None:
    compressor = Compressor(4096)
    decoder = hpack.Decoder()
    for _ in range(2):
        block = compressor.compress([(name, b"secret")])
        [field] = decoder.decode(block, raw=True)
        assert isinstance(field, hpack.NeverIndexedHeaderTuple)
    assert not decoder.header_table.dynamic_entries
    assert not compressor._entries


@pytest.mark.parametrize(
    "field", [(b":path", b"/another"), (b"content-length", b"123"), (b"x", bytes(1000))]
)
def test_what_passes_pushes_nothing_out(field: tuple[bytes, bytes]) -> None:
    compressor = Compressor(4096)
    decoder = hpack.Decoder()
    [decoded] = decoder.decode(compressor.compress([field]), raw=True)
    assert tuple(decoded) == field
    assert not decoder.header_table.dynamic_entries


def test_changes_of_size_are_told_smallest_first() -> None:
    compressor = Compressor(4096)
    compressor.compress([(b"x", b"1")])
    compressor.resize(100)
    compressor.resize(0)
    compressor.resize(4096)
    # RFC 7541, section 4.2: that the table was emptied, and how large it is.
    assert compressor.compress([]) == b"\x20\x3f\xe1\x1f"
    assert compressor.compress([]) == b""
    compressor.resize(50)
    assert compressor.compress([]) == b"\x3f\x13"


@pytest.mark.parametrize(
    ("number", "bits", "expected"),
    # RFC 7541, appendix C.1.
    [(10, 5, b"\x0a"), (1337, 5, b"\x1f\x9a\x0a"), (42, 8, b"\x2a"), (31, 5, b"\x1f\x00")],
)
def test_numbers_are_written_as_the_rfc_shows(number: int, bits: int, expected: bytes) -> None:
    assert write_number(number, 0, bits) == expected
