"""An address that takes no connection: attempts to connect hang until they time out."""

import contextlib
import socket
import types
import typing


class Blackhole:
    """A listening socket whose queue is full, so that the system drops what comes.

    Made on loopback: what a dead host or a firewall does to a client, without a
    network.
    """

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()
        listener = self._stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        self.port: int = listener.getsockname()[1]
        # Linux takes one more than the queue is long; a few more do no harm.
        for _ in range(4):
            filler = self._stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", self.port))

    def __enter__(self) -> typing.Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: types.TracebackType | None,
    ) -> None:
        self._stack.close()
