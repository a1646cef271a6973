"""Responses that Hypothesis makes up, valid or nearly, cut into segments."""

import itertools

import hypothesis.strategies as st

plain_status_lines = st.sampled_from(
    [
        b"HTTP/1.1 200 OK",
        b"HTTP/1.1 404 Not Found",
        b"HTTP/1.1 200",
        b"HTTP/1.1 200 ",
        b"HTTP/1.1 204 No Content",
        b"HTTP/1.1 304 Not Modified",
    ]
)
odd_status_lines = st.sampled_from(
    [
        b"HTTP/1.1 101 Switching Protocols",
        b"HTTP/1.1 500 caf\xc3\xa9 \t ",
        b"HTTP/1.1 999 Odd",
        b"HTTP/1.1 099 Odd",
        b"HTTP/1.1 0200 OK",
        b"HTTP/1.1  200 OK",
        b"HTTP/1.1 200 a\x01b",
        b"HTTP/1.0 200 OK",
        b"HTTP/2.0 200 OK",
        b"HTTP/1.1",
        b"http/1.1 200 OK",
        b"\x16\x03\x01",
    ]
)
any_status_lines = st.one_of(plain_status_lines, odd_status_lines)

plain_lines = st.sampled_from(
    [
        b"Server: nginx/1.22.1",
        b"Date: Tue, 03 Nov 2026 10:00:00 GMT",
        b"Content-Type: text/html; charset=utf-8",
        b"Connection: keep-alive",
        b"Connection: close",
        b"Vary:",
        b"X-No-Space:value",
        b"X-Latin: caf\xe9\xa0\x85",
    ]
)
odd_lines = st.sampled_from(
    [
        b"Connection: Keep-Alive, CLOSE",
        b"Connection: upgrade",
        b"connection: clos e",
        b"X-Tab:\tvalue\t",
        b"X-Inner-Tab: two\twords",
        b"X-Spaces:   two  words  ",
        b"X-Control: a\x01b",
        b"X-Delete: a\x7fb",
        b"X-Nul: a\x00b",
        b"X-Vertical: a\x0bb\x0c",
        b"X-Return: a\rb",
        b"X-Folded: a\r\n b\r\n\tc",
        b"X-Empty: ",
        b"Bad Name: x",
        b": x",
        b"X-No-Colon",
        b"X-Spaced : x",
        b" X-Indented: x",
        b"Content-Length: 3",
        b"Content-Length: 3, 3",
        b"content-length: 4",
        b"Content-Length: +3",
        b"Content-Length: 00000000000000000003",
        b"Content-Length: 000000000000000000003",
        b"Content-Length:",
        b"Transfer-Encoding: chunked",
        b"Transfer-Encoding: Chunked",
        b"Transfer-Encoding: gzip, chunked",
    ]
)
any_lines = st.one_of(plain_lines, odd_lines)

line_ends = st.sampled_from([b"\r\n"] * 6 + [b"\n", b"\r\r\n", b"\n\r", b"\r"])

contents = st.one_of(st.sampled_from([b"", b"x", b"hello", b"a" * 300]), st.binary(max_size=20))


@st.composite
def heads(
    draw: st.DrawFn, status_line: bytes, framing: list[bytes], *, is_plain: bool
) -> bytes:
    lines = draw(st.lists(plain_lines if is_plain else any_lines, max_size=4))
    lines[len(lines) // 2 : len(lines) // 2] = framing
    end, last_end = (b"\r\n", b"\r\n") if is_plain else draw(st.tuples(line_ends, line_ends))
    return b"".join([line + end for line in [status_line, *lines]]) + last_end


sizes = st.sampled_from([b"%x", b"%X", b"%04x"])
odd_sizes = st.sampled_from([b"%09x", b"%020x", b"%021x", b"+%x", b"0x%x", b" %x"])
extensions = st.sampled_from([b"", b";a", b";a=b", b"  ", b" ;a", b";a\nb"])
last_chunks = st.sampled_from([b"0\r\n", b"000\r\n", b"0;x\r\n", b"", b"0\n"])
trailer_sections = st.sampled_from(
    [b"", b"X-Sum: 1\r\n", b"a:\r\nA: b\r\n", b"Bad name:\r\n", b"X: a\n b\n"]
)


@st.composite
def chunked_bodies(draw: st.DrawFn, *, is_plain: bool) -> bytes:
    parts = []
    for content in draw(st.lists(contents.filter(bool), max_size=3)):
        if is_plain:
            parts += [draw(sizes) % len(content), b"\r\n", content, b"\r\n"]
        else:
            size = draw(st.one_of(sizes, odd_sizes)) % len(content)
            end, last_end = draw(st.tuples(line_ends, line_ends))
            parts += [size, draw(extensions), end, content, last_end]
    if is_plain:
        return b"".join([*parts, b"0\r\n\r\n"])
    return b"".join([*parts, draw(last_chunks), draw(trailer_sections), draw(line_ends)])


leftovers = st.sampled_from([b"", b"", b"", b"HTTP/1.1 200 OK\r\n\r\n", b"\r\n", b"!"])


framings = st.sampled_from(["length", "length", "chunked", "close"])
odd_framings = st.sampled_from(["length", "chunked", "close", "both", "wrong length"])


@st.composite
def responses(draw: st.DrawFn) -> bytes:
    """Builds a response, valid or nearly, behind interim ones or not."""
    parts = []
    is_plain = draw(st.sampled_from([True, True, True, False]))
    for status in draw(st.sampled_from([(), (), (), (100,), (103,), (100, 103)])):
        parts.append(draw(heads(b"HTTP/1.1 %d Yes" % status, [], is_plain=is_plain)))
    status_line = draw(plain_status_lines if is_plain else any_status_lines)
    framing = draw(framings if is_plain else odd_framings)
    content = draw(contents)
    if framing == "chunked":
        lines = [b"Transfer-Encoding: chunked"]
        content = draw(chunked_bodies(is_plain=is_plain))
    elif framing == "close":
        lines = []
    else:
        size = len(content) + (2 if framing == "wrong length" else 0)
        lines = [b"Content-Length: %d" % size]
        if framing == "both":
            lines.append(b"Transfer-Encoding: chunked")
    parts.append(draw(heads(status_line, lines, is_plain=is_plain)))
    return b"".join([*parts, content, draw(leftovers)])


fragments = st.sampled_from(
    [
        *[b"HTTP/1.1", b" ", b"200", b"\r\n", b"\n", b"\r", b":", b";", b"0", b"5", b"a"],
        *[b"Content-Length: 5", b"Transfer-Encoding: chunked", b"Connection: close"],
        *[b"\t", b"\x00", b"\xff"],
    ]
)

mutations = st.tuples(
    st.sampled_from(["replace", "insert", "delete", "double", "cut"]),
    st.integers(0, 2000),
    st.one_of(fragments, st.binary(min_size=1, max_size=2)),
)


def mutate(wire: bytes, kind: str, place: int, piece: bytes) -> bytes:
    # From the end, where the bytes that decide most are: the head is long.
    place = place % (len(wire) + 1)
    before, after = wire[:place], wire[place:]
    if kind == "replace":
        return before + piece + after[len(piece) :]
    if kind == "insert":
        return before + piece + after
    if kind == "delete":
        return before + after[len(piece) :]
    if kind == "double":
        return before + after[:8] + after
    return before


@st.composite
def mutated_responses(draw: st.DrawFn) -> bytes:
    wire = draw(responses())
    for kind, place, piece in draw(st.lists(mutations, min_size=1, max_size=3)):
        wire = mutate(wire, kind, place, piece)
    return wire


@st.composite
def segmented(draw: st.DrawFn, wires: st.SearchStrategy[bytes]) -> list[bytes]:
    """Cuts what is sent into segments, with or without an end of the stream."""
    wire = draw(wires)
    how = draw(
        st.sampled_from(
            ["whole", "whole head", "whole head", "whole head", "anywhere", "bytes"]
        )
    )
    if how == "whole":
        places = []
    elif how == "bytes":
        places = list(range(len(wire)))
    else:
        # The lane takes heads that come in one piece.
        first = wire.find(b"\r\n\r\n") + 4 if how == "whole head" else 0
        places = sorted(
            draw(st.sets(st.integers(min(first, len(wire)), len(wire)), max_size=4))
        )
    segments = [wire[i:j] for i, j in itertools.pairwise([0, *places, len(wire)]) if i < j]
    return [*segments, b""] if draw(st.booleans()) else segments
