"""Sends a request to an address of your choice, whatever the name in the URL resolves to.

For a server that no name points to yet, for one particular machine behind a load balancer,
or for a test without a resolver: what `curl --resolve` does, as a network backend. Only the
connection goes elsewhere: the `Host` header, the name sent in the TLS handshake and the name
that the certificate must have are those of the URL.

    python own_dns.py https://www.example.com/ www.example.com=192.0.2.7
    python own_dns.py --async https://www.example.com/ www.example.com=2001:db8::7

Names that are not in the table are resolved as ever. The table could as well be a resolver:
see "Write your own backend".
"""

import argparse
import asyncio
import collections.abc
import typing

import httpcore

Table = collections.abc.Mapping[str, str]


class TableBackend(httpcore.NetworkBackend):
    """Connects to the addresses in a table; everything else is left to another backend.

    Args:
        table: From a host's name, in lower case, to its address.
        backend: Does the work.
    """

    def __init__(self, table: Table, backend: httpcore.NetworkBackend | None = None) -> None:
        self._table = table
        self._backend = backend or httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: typing.Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Opens a TCP connection to the address in the table, or to the host itself."""
        return self._backend.connect_tcp(
            self._table.get(host.lower(), host),
            port,
            timeout=timeout,
            local_address=local_address,
            socket_options=socket_options,
        )

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: typing.Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Opens a connection to a Unix socket: there is nothing to look up."""
        return self._backend.connect_unix_socket(path, timeout, socket_options)

    def interrupt_connect(self, thread: int) -> bool:
        """Ends a connect in another thread, when a pool is closed."""
        return self._backend.interrupt_connect(thread)

    def sleep(self, seconds: float) -> None:
        """Waits between two attempts; another thread may end that, too."""
        self._backend.sleep(seconds)


class AsyncTableBackend(httpcore.AsyncNetworkBackend):
    """What `TableBackend` is, for async code.

    Args:
        table: From a host's name, in lower case, to its address.
        backend: Does the work, on the event loop that is in use.
    """

    def __init__(self, table: Table, backend: httpcore.AsyncNetworkBackend) -> None:
        self._table = table
        self._backend = backend

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: typing.Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Opens a TCP connection to the address in the table, or to the host itself."""
        return await self._backend.connect_tcp(
            self._table.get(host.lower(), host),
            port,
            timeout=timeout,
            local_address=local_address,
            socket_options=socket_options,
        )

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: typing.Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Opens a connection to a Unix socket: there is nothing to look up."""
        return await self._backend.connect_unix_socket(path, timeout, socket_options)

    async def sleep(self, seconds: float) -> None:
        """Waits between two attempts."""
        await self._backend.sleep(seconds)


def fetch(url: str, table: Table) -> httpcore.Response:
    """Sends a GET request from blocking code."""
    with httpcore.ConnectionPool(network_backend=TableBackend(table)) as pool:
        return pool.request("GET", url)


async def fetch_async(url: str, table: Table) -> httpcore.Response:
    """Sends a GET request from async code, here on asyncio."""
    backend = AsyncTableBackend(table, httpcore.AsyncioBackend())
    async with httpcore.AsyncConnectionPool(network_backend=backend) as pool:
        return await pool.request("GET", url)


def read_entry(text: str) -> tuple[str, str]:
    """Reads an entry of the table: NAME=ADDRESS."""
    name, separator, address = text.partition("=")
    if not (name and separator and address):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=ADDRESS")
    return name.lower(), address


def main(arguments: collections.abc.Sequence[str] | None = None) -> None:
    """Reads the command line, sends the request and prints the response."""
    parser = argparse.ArgumentParser(description="Send a request to addresses of your choice.")
    parser.add_argument("url")
    parser.add_argument("table", nargs="+", type=read_entry, metavar="NAME=ADDRESS")
    parser.add_argument("--async", action="store_true", dest="is_async")
    options = parser.parse_args(arguments)
    table = dict(options.table)
    if options.is_async:
        response = asyncio.run(fetch_async(options.url, table))
    else:
        response = fetch(options.url, table)
    print(response.status)
    print(response.content.decode(errors="replace"))


if __name__ == "__main__":
    main()
