"""Backends that connect to Unix sockets in the wrong way."""

import dataclasses
import socket

from breaking import Dialling, fails
from example_backend import ExampleStream

from httpcore_interface import ConnectError, ConnectTimeout, UnixDial

NO_SUCH_SOCKET = "test_a_path_without_a_socket_is_a_connect_error"
LEAK = "there is another socket"


@fails("test_connect_reaches_the_unix_server", "NotImplementedError")
class HasNoUnixSockets(Dialling):
    async def dial_unix(self, dial: UnixDial) -> ExampleStream:
        raise NotImplementedError("no Unix sockets")


class RaisesTheCause(Dialling):
    async def dial_unix(self, dial: UnixDial) -> ExampleStream:
        try:
            return await super().dial_unix(dial)
        except ConnectError as exc:
            raise (exc.__cause__ or OSError(str(exc))) from None


fails(NO_SUCH_SOCKET, "raised FileNotFoundError")(RaisesTheCause)
fails("test_what_is_no_path_is_a_connect_error", "raised")(RaisesTheCause)
fails("test_a_unix_socket_where_nobody_listens_is_a_connect_error", "raised Connection")(
    RaisesTheCause
)


@fails(NO_SUCH_SOCKET, "the ConnectError has no __cause__")
class HidesTheCause(Dialling):
    async def dial_unix(self, dial: UnixDial) -> ExampleStream:
        try:
            return await super().dial_unix(dial)
        except ConnectError as exc:
            raise ConnectError(str(exc)) from None


class LeaksWhatFails(Dialling):
    def __init__(self) -> None:
        self.left: list[socket.socket] = []

    async def dial_unix(self, dial: UnixDial) -> ExampleStream:
        sock = socket.socket(socket.AF_UNIX)
        self.left.append(sock)
        stream = await super().dial_unix(dial)
        sock.close()
        return stream

    def __del__(self) -> None:
        for sock in self.left:
            sock.close()


for check in (
    NO_SUCH_SOCKET,
    "test_what_is_no_path_is_a_connect_error",
    "test_a_full_unix_server_is_a_connect_timeout",
    "test_a_unix_option_that_does_not_fit_is_a_connect_error",
    "test_a_cancelled_connect_to_a_unix_server_leaves_no_socket_open",
):
    fails(check, LEAK)(LeaksWhatFails)


class DoesNotWait(Dialling):
    async def dial_unix(self, dial: UnixDial) -> ExampleStream:
        try:
            return await super().dial_unix(dataclasses.replace(dial, timeout=0.01))
        except ConnectTimeout as exc:
            raise ConnectError("the server is busy") from exc


fails("test_a_full_unix_server_is_a_connect_timeout", "not ConnectTimeout")(DoesNotWait)
fails("test_connect_waits_for_a_full_unix_server", "the server is busy")(DoesNotWait)


@fails("test_options_are_applied_to_unix_sockets", "assert 0 != 0")
class ForgetsOptions(Dialling):
    async def dial_unix(self, dial: UnixDial) -> ExampleStream:
        return await super().dial_unix(dataclasses.replace(dial, socket_options=()))


@fails("test_a_unix_option_that_does_not_fit_is_a_connect_error", "it has connected before")
class SetsOptionsTooLate(Dialling):
    async def dial_unix(self, dial: UnixDial) -> ExampleStream:
        stream = await super().dial_unix(dataclasses.replace(dial, socket_options=()))
        try:
            for option in dial.socket_options:
                stream.channel.sock.setsockopt(*option)
        except OSError as exc:
            await stream.aclose()
            raise ConnectError(str(exc)) from exc
        return stream
