"""Responses read in every way: whole, byte by byte, and cut at every place."""

import collections.abc
import dataclasses

import pytest
from response_samples import Fields

from httpcore_interface import RemoteProtocolError
from httpcore_pool._protocol.http11 import Head, RequestWriter, ResponseReader


@dataclasses.dataclass
class Outcome:
    """What a reader made of what it was fed."""

    heads: list[Head] = dataclasses.field(default_factory=list)
    body: bytes = b""
    is_complete: bool = False
    trailers: Fields = dataclasses.field(default_factory=list)
    may_continue: bool = False
    has_switched: bool = False
    unread: bytes = b""


def read(
    request: RequestWriter, segments: list[bytes], *, asks_late: bool = False
) -> tuple[Outcome, ResponseReader]:
    """Feeds and asks, as an exchange does: for heads, for chunks, then for the rest.

    Args:
        request: What is answered.
        segments: What is fed; an empty one is the end of the stream.
        asks_late: Whether to ask only when everything was fed.
    """
    reader = ResponseReader(request)
    outcome = Outcome()
    for count, segment in enumerate(segments, 1):
        reader.feed(segment)
        if asks_late and count < len(segments):
            continue
        while not outcome.heads or not is_final(outcome.heads[-1]):
            received = reader.next_head()
            if received is None:
                break
            outcome.heads.append(received)
        else:
            while chunk := reader.next_chunk():
                assert type(chunk) is bytes
                outcome.body += chunk
            outcome.is_complete = chunk is not None
    outcome.trailers = reader.trailers
    outcome.may_continue = reader.may_continue
    outcome.has_switched = reader.has_switched
    if outcome.is_complete:
        outcome.unread = reader.unread
    return outcome, reader


def is_final(received: Head) -> bool:
    return received[1] >= 200 or received[1] == 101


def segmentations(wire: bytes) -> collections.abc.Iterator[list[bytes]]:
    yield [wire]
    yield [wire[place : place + 1] for place in range(len(wire))]
    for place in range(1, len(wire)):
        yield [wire[:place], wire[place:]]


def read_every_way(request: RequestWriter, wire: bytes, *, ends: bool = False) -> Outcome:
    """Returns what becomes of a response, however it is cut.

    Args:
        request: What it answers.
        wire: All of it, and perhaps more.
        ends: Whether the stream ends behind it.
    """
    end = [b""] if ends else []
    outcome, reader = read(request, [wire, *end])
    assert reader.received == len(wire)
    assert read(request, [wire, *end], asks_late=True)[0] == outcome
    for segments in segmentations(wire):
        assert read(request, [*segments, *end])[0] == outcome
    return outcome


def fail_every_way(request: RequestWriter, wire: bytes, *, ends: bool = False) -> set[str]:
    """Returns the errors that a response ends in, as it is cut in one way or another."""
    messages = set()
    end = [b""] if ends else []
    for segments in segmentations(wire):
        for asks_late in (False, True):
            with pytest.raises(RemoteProtocolError) as caught:
                read(request, [*segments, *end], asks_late=asks_late)
            messages.add(str(caught.value))
    return messages
