"""The uploads that tests send, or that a server refuses."""

from driving import reply

PIECE = 128 * 1024
REFUSAL = reply(b"too large", status=b"413 Content Too Large")


def chunks(count: int, size: int = 1000) -> list[bytes]:
    return [bytes([number]) * size for number in range(count)]
