"""Handshakes with proxies, driven in every way: whole, byte by byte, cut at every place."""

import collections.abc
import dataclasses

from response_reading import segmentations

from httpcore_interface import ProxyError
from httpcore_pool._protocol.handshake import Handshake

Begin = collections.abc.Callable[[], Handshake]

SECRETS = (b"ali-ce", b"s3cr-et", b"YWxpLWNlOnMzY3ItZXQ=")
"""A user and a password, and both as `Basic` has them: no error may show them."""


@dataclasses.dataclass
class Outcome:
    """What became of a handshake.

    Args:
        sent: What was sent, all in one.
        is_done: Whether the tunnel is open.
        unread: What is left for it.
        error: What was raised instead.
    """

    sent: bytes
    is_done: bool = False
    unread: bytes = b""
    error: ProxyError | None = dataclasses.field(default=None, compare=False)
    text: str = ""


def shake(begin: Begin, segments: collections.abc.Iterable[bytes]) -> Outcome:
    """Drives a handshake as a connection does; an empty segment ends the stream."""
    handshake = begin()
    outcome = Outcome(handshake.begin())
    assert not handshake.is_done
    for segment in segments:
        if handshake.is_done:
            outcome.unread += segment
            continue
        try:
            outcome.sent += handshake.receive(segment)
        except ProxyError as error:
            assert not handshake.is_done
            check_secrets(error)
            outcome.error, outcome.text = error, str(error)
            break
        if handshake.is_done:
            outcome.is_done, outcome.unread = True, handshake.unread
    check_buffers(handshake)
    return outcome


def shake_every_way(begin: Begin, wire: bytes, *, ends: bool = False) -> Outcome:
    """Returns what becomes of a handshake, however what the proxy sends is cut.

    Args:
        begin: Makes the handshake.
        wire: All that the proxy sends, and perhaps more.
        ends: Whether the stream ends behind it.
    """
    end = [b""] if ends else []
    outcome = shake(begin, [wire, *end] if wire else end)
    for segments in segmentations(wire) if wire else ():
        other = shake(begin, [*segments, *end])
        # Of what is sent before an error it depends on the cuts how much goes out.
        if outcome.error is not None:
            other.sent = outcome.sent
        assert other == outcome
    return outcome


def check_secrets(error: BaseException | None) -> None:
    """Makes sure that nothing that an error shows, or drags along, is secret."""
    while error is not None:
        for secret in SECRETS:
            assert secret.decode() not in str(error)
            assert secret.decode() not in repr(error)
        error = error.__cause__ or error.__context__


def check_buffers(handshake: Handshake) -> None:
    """Makes sure that it has no attributes but those in its slots, and shows none."""
    assert not hasattr(handshake, "__dict__")
    assert repr(handshake).startswith(f"<{type(handshake).__module__}.")
