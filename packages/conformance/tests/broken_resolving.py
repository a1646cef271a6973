"""Backends that resolve names, or use what they resolve to, in the wrong way."""

import asyncio
import dataclasses
import ipaddress
import socket

from breaking import Dialling, fails
from example_backend import ExampleStream

from httpcore_interface import (
    AddressInfo,
    ConnectError,
    ConnectTimeout,
    Dial,
    begin_connect,
)


async def look_up(dial: Dial) -> list[AddressInfo]:
    """Returns what a name resolves to, without any care."""
    loop = asyncio.get_running_loop()
    return list(await loop.getaddrinfo(dial.host, dial.port, type=socket.SOCK_STREAM))


def with_address(dial: Dial, address: AddressInfo) -> Dial:
    host, port = address[4][:2]
    return dataclasses.replace(dial, host=str(host), port=int(port))


@fails("test_connect_reaches_a_server_by_its_name", "ConnectError: no address")
class KnowsNoNames(Dialling):
    async def dial(self, dial: Dial) -> ExampleStream:
        try:
            ipaddress.ip_address(dial.host)
        except ValueError as exc:
            raise ConnectError("no address") from exc
        return await super().dial(dial)


@fails("test_a_name_without_addresses_is_a_connect_error", "raised IndexError")
@fails("test_an_address_that_fails_is_followed_by_the_next", "Connection refused")
class TakesTheFirstAddress(Dialling):
    async def dial(self, dial: Dial) -> ExampleStream:
        if dial.literal_addresses() is None:
            dial = with_address(dial, (await look_up(dial))[0])
        return await super().dial(dial)


@fails("test_what_is_no_host_is_a_connect_error", "raised Unicode")
class LeaksWhatTheCodecRaises(Dialling):
    async def dial(self, dial: Dial) -> ExampleStream:
        if dial.host.isascii():
            dial.host.encode("idna")
        return await super().dial(dial)


@fails("test_what_is_no_host_is_a_connect_error", "did not raise ConnectError")
class TakesNoHostForThisHost(Dialling):
    async def dial(self, dial: Dial) -> ExampleStream:
        return await super().dial(dataclasses.replace(dial, host=dial.host or "127.0.0.1"))


@fails("test_a_name_is_not_cut_at_a_null_character", "did not raise ConnectError")
class CutsNames(Dialling):
    async def dial(self, dial: Dial) -> ExampleStream:
        host, _, _ = dial.host.partition("\0")
        return await super().dial(dataclasses.replace(dial, host=host))


@fails("test_a_resolver_that_hangs_does_not_outlast_the_timeout", "has not come to its end")
@fails("test_resolution_and_attempts_share_one_deadline", "seconds of 0.8")
class ResolvesWithoutADeadline(Dialling):
    async def dial(self, dial: Dial) -> ExampleStream:
        if dial.literal_addresses() is None:
            dial = with_address(dial, (await look_up(dial))[0])
        return await super().dial(dial)


class InAllOrders(Dialling):
    """Tries address after address; how, subclasses say."""

    pause = 0.0

    async def dial(self, dial: Dial) -> ExampleStream:
        if dial.literal_addresses() is not None:
            return await super().dial(dial)
        failure: Exception | None = None
        for address in await look_up(dial):
            try:
                return await super().dial(with_address(dial, address))
            except (ConnectError, ConnectTimeout) as exc:
                failure = exc
                await asyncio.sleep(self.pause)
        assert failure is not None
        raise failure


@fails("test_an_address_that_is_slow_gets_company", "has not come to its end")
@fails("test_all_attempts_share_one_deadline", "has not come to its end")
@fails("test_the_families_take_turns", "another one was tried before the first of IPv4")
class OneAfterTheOther(InAllOrders):
    pass


@fails("test_an_address_that_fails_is_not_waited_for", "has not come to its end")
class PausesBeforeTheNext(InAllOrders):
    pause = 0.25


@fails("test_an_earlier_attempt_may_still_win", "ConnectTimeout: no connection")
class GivesUpWhatIsSlow(InAllOrders):
    # The system tries again after a second.
    patience = 2.0

    async def dial(self, dial: Dial) -> ExampleStream:
        if dial.literal_addresses() is None:
            for address in await look_up(dial):
                last = with_address(dial, address)
                try:
                    return await super().dial(dataclasses.replace(last, timeout=0.25))
                except ConnectTimeout:
                    continue
            return await super().dial(last)
        return await super().dial(dial)


@fails("test_when_all_addresses_fail_it_is_a_connect_error", "raised ExceptionGroup")
class RaisesAGroup(Dialling):
    async def dial(self, dial: Dial) -> ExampleStream:
        try:
            return await super().dial(dial)
        except ConnectError as exc:
            raise ExceptionGroup("all have failed", [exc]) from exc


@fails("test_an_address_that_is_slow_gets_company", "assert 2 == 1")
class LeavesTheLosersOpen(Dialling):
    def __init__(self) -> None:
        self.losers: list[socket.socket] = []

    async def dial(self, dial: Dial) -> ExampleStream:
        if dial.literal_addresses() is None:
            addresses = await look_up(dial)
            loser = dial.open_socket(addresses[0])
            begin_connect(loser, addresses[0][4])
            self.losers.append(loser)
            return await super().dial(with_address(dial, addresses[-1]))
        return await super().dial(dial)

    def __del__(self) -> None:
        for loser in self.losers:
            loser.close()
