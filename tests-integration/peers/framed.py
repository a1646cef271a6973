"""The server's side of HTTP/2 in a script, with h2 as the authority: whole requests in."""

import collections.abc

import h2.config
import h2.connection
import h2.events

from .deadlines import DEADLINE
from .messages import ReceivedRequest
from .scripted import Conversation


class FramedConversation:
    """One connection that speaks HTTP/2.

    Args:
        conn: The connection.
    """

    def __init__(self, conn: Conversation) -> None:
        self._conn = conn
        config = h2.config.H2Configuration(client_side=False, header_encoding=None)
        self._h2 = h2.connection.H2Connection(config)
        self._h2.initiate_connection()
        self._flush()

    def each_request(self) -> collections.abc.Iterator[tuple[int, ReceivedRequest]]:
        """Reads requests and their streams until the client closes the connection."""
        while octets := self._conn.receive_some(DEADLINE):
            for event in self._h2.receive_data(octets):
                if isinstance(event, h2.events.RequestReceived):
                    assert event.stream_id is not None
                    yield event.stream_id, self._note(event)
            self._flush()

    def _note(self, event: h2.events.RequestReceived) -> ReceivedRequest:
        fields = [(bytes(name), bytes(value)) for name, value in event.headers or []]
        pseudo = dict(fields)
        request = ReceivedRequest(pseudo[b":method"], pseudo[b":path"], b"HTTP/2", fields)
        self._conn.requests.append(request)
        return request

    def respond(self, stream: int, body: bytes, *, ends: bool = True) -> None:
        """Answers, or begins to."""
        self._h2.send_headers(stream, [(b":status", b"200")])
        self.send(stream, body, ends=ends)

    def send(self, stream: int, body: bytes, *, ends: bool = True) -> None:
        """Sends a part of an answer."""
        self._h2.send_data(stream, body, end_stream=ends)
        self._flush()

    def _flush(self) -> None:
        self._conn.send(self._h2.data_to_send())
