"""HTTP/1.1 messages as a scripted peer sees them: parsed plainly, built plainly."""

import dataclasses

Headers = list[tuple[bytes, bytes]]


@dataclasses.dataclass(frozen=True)
class ReceivedRequest:
    """A request as it arrived."""

    method: bytes
    target: bytes
    version: bytes
    headers: Headers
    """Names and values as they were written."""
    body: bytes = b""
    trailers: Headers = dataclasses.field(default_factory=list)

    def header(self, name: bytes) -> bytes | None:
        """The value of the only header called `name`, or None."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(values) < 2, f"{name!r} stands {len(values)} times in {self.headers}"
        return values[0] if values else None

    @property
    def is_chunked(self) -> bool:
        return self.header(b"transfer-encoding") == b"chunked"

    @property
    def content_length(self) -> int:
        return int(self.header(b"content-length") or b"0")


def parse_head(head: bytes) -> ReceivedRequest:
    """Takes the head apart; `head` includes the empty line."""
    request_line, *lines = head[:-4].split(b"\r\n")
    method, target, version = request_line.split(b" ")
    return ReceivedRequest(method, target, version, [parse_field(line) for line in lines])


def parse_field(line: bytes) -> tuple[bytes, bytes]:
    name, _, value = line.partition(b":")
    return name, value.strip()


def reply(body: bytes = b"", status: int = 200, *fields: bytes) -> bytes:
    """A response with a Content-Length; `fields` are whole header lines."""
    length = b"Content-Length: %d" % len(body)
    return head(status, length, *fields) + body


def chunked_reply(*chunks: bytes, trailers: tuple[bytes, ...] = ()) -> bytes:
    """A response in chunks; `trailers` are whole lines."""
    body = b"".join(chunk(part) for part in chunks)
    end = b"".join(line + b"\r\n" for line in (b"0", *trailers, b""))
    return head(200, b"Transfer-Encoding: chunked") + body + end


def head(status: int, *fields: bytes) -> bytes:
    lines = (b"HTTP/1.1 %d Whatever" % status, *fields, b"", b"")
    return b"\r\n".join(lines)


def chunk(part: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(part), part)
