"""The least that a raw loop has to know of HTTP: a request, and where a response ends.

It parses two things, the end of the head and Content-Length, and trusts the server
in all else.
"""

import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

RECEIVE = 64 * 1024
"""Bytes that one read of a raw loop takes at most."""

_CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RawRequest:
    """The head of a request, and where it goes."""

    host: str
    port: int
    head: bytes

    @classmethod
    def of(cls, method: str, url: str, body: bytes | None = None) -> Self:
        """Build the head of a request that `body`, if there is one, follows."""
        parts = urlsplit(url)
        length = "" if body is None else f"Content-Length: {len(body)}\r\n"
        head = f"{method} {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n{length}\r\n"
        return cls(parts.hostname or "", parts.port or 80, head.encode())


def measure_body(received: bytes) -> tuple[int, int]:
    """Return the length of the body and where it begins; the head has to be there.

    Raises:
        ValueError: The response has no Content-Length.
    """
    match = _CONTENT_LENGTH.search(received)
    if match is None:
        raise ValueError("no Content-Length in the response")
    return int(match[1]), received.index(b"\r\n\r\n") + 4


class ResponseCounter:
    """Knows when a response is over by counting its bytes, and nothing else.

    The first response tells how long it is; all that follow have to be as long.

    Attributes:
        body: Bytes of a body; 0 before the first head has come.
    """

    __slots__ = ("_head", "_last", "_missing", "_total", "body")

    def __init__(self) -> None:
        self._head = b""
        self._total = 0
        self._missing = 0
        self.body = 0
        self._last = b""

    def is_over(self, received: bytes) -> bool:
        """Count what came, and return whether the response is over.

        Raises:
            ValueError: More has come than the response has.
        """
        if not self._total:
            return self._learn(received)
        self._missing -= len(received)
        if self._missing > 0:
            return False
        if self._missing < 0:
            raise ValueError("the response is longer than the first one")
        self._missing = self._total
        self._last = received
        return True

    def _learn(self, received: bytes) -> bool:
        """Take down how long responses are, once the first head is there."""
        self._head += received
        if b"\r\n\r\n" not in self._head:
            return False
        self.body, start = measure_body(self._head)
        self._missing = self._total = start + self.body
        received, self._head = self._head, b""
        return self.is_over(received)

    def read_number(self) -> int:
        """Return the number that is the body of the last response.

        The last bytes to come have to hold all of it, as those of a short response do.
        """
        return int(self._last[-self.body :])
