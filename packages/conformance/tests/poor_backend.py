"""A backend that can do little, and says so."""

import asyncio
import ssl
import typing

from breaking import Wrapping
from example_backend import ExampleStream

from httpcore_interface import ConnectError, Dial, UnixDial

REASONS = {
    "without_unix_sockets": "it has no files",
    "without_tls": "it has no secrets",
    "without_socket": "it has no sockets to show",
    "without_getaddrinfo": "it has a telephone book",
}


class PoorStream(ExampleStream):
    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> ExampleStream:
        raise NotImplementedError("no TLS")

    # The type is the interface's.
    def get_extra_info(self, info: str) -> typing.Any:  # type: ignore[explicit-any]
        return None if info == "socket" else super().get_extra_info(info)


class PoorBackend(Wrapping):
    def __init__(self) -> None:
        super().__init__(PoorStream)

    async def dial(self, dial: Dial) -> ExampleStream:
        await asyncio.sleep(0)
        if dial.host.endswith(".test"):
            raise ConnectError("not in the telephone book")
        return await super().dial(dial)

    async def dial_unix(self, dial: UnixDial) -> ExampleStream:
        raise ConnectError("no Unix sockets")


class NoTLSInTLSStream(ExampleStream):
    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> ExampleStream:
        if self.get_extra_info("ssl_object") is not None and not self.channel.is_closed:
            raise NotImplementedError("no TLS in TLS")
        return await super().start_tls(ssl_context, server_hostname, timeout)
