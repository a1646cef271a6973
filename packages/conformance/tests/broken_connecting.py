"""Backends that connect to one address in the wrong way."""

import dataclasses
import socket

from breaking import Dialling, fails
from example_backend import ExampleStream

from httpcore_interface import ConnectError, ConnectTimeout, Dial

REFUSED = "test_a_refused_connection_is_a_connect_error"
NEVER_ANSWERS = "test_a_server_that_does_not_answer_is_a_connect_timeout"
LEAK = "there is another socket"


@fails("test_connect_reaches_the_server", "OverflowError: timestamp too large")
class CountsInMilliseconds(Dialling):
    async def dial(self, dial: Dial) -> ExampleStream:
        if dial.timeout is not None and dial.timeout > 1e6:
            raise OverflowError("timestamp too large")
        return await super().dial(dial)


@fails("test_connect_reaches_an_ipv6_address", "ConnectError: cannot resolve")
class PutsBracketsAroundIPv6(Dialling):
    async def dial(self, dial: Dial) -> ExampleStream:
        if ":" in dial.host:
            dial = dataclasses.replace(dial, host=f"[{dial.host}]")
        return await super().dial(dial)


@fails("test_small_writes_are_not_held_back", "assert 0 != 0")
@fails("test_options_are_applied", "assert 0 != 0")
class ForgetsOptions(Dialling):
    async def dial(self, dial: Dial) -> ExampleStream:
        stream = await super().dial(dataclasses.replace(dial, socket_options=()))
        stream.channel.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)
        return stream


@fails("test_an_option_that_does_not_fit_is_a_connect_error", "there was a connection before")
class SetsOptionsTooLate(Dialling):
    async def dial(self, dial: Dial) -> ExampleStream:
        stream = await super().dial(dataclasses.replace(dial, socket_options=()))
        try:
            for option in dial.socket_options:
                stream.channel.sock.setsockopt(*option)
        except OSError as exc:
            await stream.aclose()
            raise ConnectError(str(exc)) from exc
        return stream


class RaisesTheCause(Dialling):
    async def dial(self, dial: Dial) -> ExampleStream:
        try:
            return await super().dial(dial)
        except ConnectError as exc:
            raise (exc.__cause__ or exc) from None


fails(REFUSED, "raised ConnectionRefusedError, not ConnectError")(RaisesTheCause)
fails("test_an_unreachable_network_is_a_connect_error", "raised OSError")(RaisesTheCause)
fails("test_an_unknown_name_is_a_connect_error", "raised gaierror")(RaisesTheCause)


@fails("test_a_refused_connection_tells_its_cause", "the ConnectError has no __cause__")
@fails("test_an_unknown_name_is_a_connect_error", "the ConnectError has no __cause__")
class HidesTheCause(Dialling):
    async def dial(self, dial: Dial) -> ExampleStream:
        try:
            return await super().dial(dial)
        except ConnectError as exc:
            raise ConnectError(str(exc)) from None


class LeaksWhatFails(Dialling):
    """Leaves the socket to the garbage collector, which finds it later."""

    def __init__(self) -> None:
        self.left: list[socket.socket] = []

    async def dial(self, dial: Dial) -> ExampleStream:
        sock = socket.socket()
        self.left.append(sock)
        try:
            stream = await super().dial(dial)
        except (ConnectError, ConnectTimeout):
            raise
        sock.close()
        return stream

    def __del__(self) -> None:
        for sock in self.left:
            sock.close()


for check in (
    "test_a_refused_connection_leaves_no_socket_open",
    NEVER_ANSWERS,
    "test_without_time_connect_does_not_wait",
    "test_a_local_address_that_does_not_fit_is_a_connect_error",
    "test_an_option_that_does_not_fit_is_a_connect_error",
    "test_when_all_addresses_fail_it_is_a_connect_error",
    "test_all_attempts_share_one_deadline",
    "test_a_cancelled_wait_for_a_connect_leaves_no_socket_open",
    "test_a_cancelled_connect_leaves_no_socket_open",
):
    fails(check, LEAK)(LeaksWhatFails)


@fails(NEVER_ANSWERS, "has not come to its end")
class WaitsForEver(Dialling):
    async def dial(self, dial: Dial) -> ExampleStream:
        return await super().dial(dataclasses.replace(dial, timeout=None))


@fails(NEVER_ANSWERS, "raised ConnectError, not ConnectTimeout")
class CallsATimeoutAnError(Dialling):
    async def dial(self, dial: Dial) -> ExampleStream:
        try:
            return await super().dial(dial)
        except ConnectTimeout as exc:
            raise ConnectError(str(exc)) from exc


@fails("test_without_time_connect_does_not_wait", "has not come to its end")
@fails("test_without_time_no_resolver_is_waited_for", "has not come to its end")
class TakesZeroForNone(Dialling):
    async def dial(self, dial: Dial) -> ExampleStream:
        timeout = None if (dial.timeout or 0) <= 0 else dial.timeout
        return await super().dial(dataclasses.replace(dial, timeout=timeout))


@fails("test_without_time_a_good_server_is_reached_or_times_out", "raised ValueError")
class KnowsNoNegativeTimeouts(Dialling):
    async def dial(self, dial: Dial) -> ExampleStream:
        if dial.timeout is not None and dial.timeout < 0:
            raise ValueError("Timeout value out of range")
        return await super().dial(dial)


class HastyStream(ExampleStream):
    seconds: float | None = None

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return await super().read(max_bytes, self.seconds if timeout is None else timeout)


@fails("test_a_timeout_of_connect_is_none_of_read", "ended without anything")
class KeepsTheTimeoutOfConnect(Dialling):
    async def dial(self, dial: Dial) -> ExampleStream:
        stream = HastyStream((await super().dial(dial)).channel.sock)
        stream.seconds = dial.timeout
        return stream


@fails("test_connect_comes_from_the_local_address", "assert '127.0.0.1' == '127.0.0.2'")
@fails("test_a_local_address_that_does_not_fit_is_a_connect_error", "did not raise")
class IgnoresTheLocalAddress(Dialling):
    async def dial(self, dial: Dial) -> ExampleStream:
        return await super().dial(dataclasses.replace(dial, local_address=None))


@fails("test_a_fresh_connection_has_nothing_to_read", "returned b''")
@fails("test_without_time_read_does_not_wait", "returned b''")
class TakesNothingForTheEnd(ExampleStream):
    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if timeout is not None and timeout <= 0:
            return self.channel.receive(max_bytes) or b""
        return await super().read(max_bytes, timeout)
