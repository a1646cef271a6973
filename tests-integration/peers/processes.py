"""Servers in processes of their own, ready before anyone asks them for anything."""

import collections.abc
import functools
import os
import pathlib
import socket
import subprocess
import types
import typing

from .deadlines import DEADLINE, wait_until
from .ports import Port


def listening_socket(path: pathlib.Path | None = None) -> socket.socket:
    """Listens already, on a port that nobody can take away before the server starts.

    Servers inherit it, so there is no moment at which the port is free again.
    """
    if path is None:
        sock = socket.socket(socket.AF_INET)
        sock.bind(("127.0.0.1", 0))
    else:
        sock = socket.socket(socket.AF_UNIX)
        sock.bind(str(path))
    sock.listen(512)
    return sock


class ServerProcess:
    """A running server; what it prints goes to a file, and into the error if it fails.

    Args:
        command: The program and its arguments.
        environment: Variables beyond our own.
        listeners: Sockets that it inherits; closed on our side once it runs.
        log: Where its output goes.
    """

    def __init__(
        self,
        command: collections.abc.Sequence[str],
        environment: dict[str, str],
        listeners: collections.abc.Sequence[socket.socket],
        log: pathlib.Path,
    ) -> None:
        self._log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command,
                env=os.environ | environment,
                pass_fds=[sock.fileno() for sock in listeners],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        for sock in listeners:
            sock.close()

    def wait_ready(self, port: int) -> None:
        """Waits until a plain HTTP request on `port` is answered."""
        question = b"GET /ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        try:
            with socket.create_connection(("127.0.0.1", port), DEADLINE) as sock:
                sock.sendall(question)
                answer = sock.recv(65_536)
        except OSError as error:
            raise AssertionError(f"{error}; {self._report()}") from error
        assert answer.startswith(b"HTTP/1.1 "), f"{answer!r}; {self._report()}"

    def wait_served(self, *ports: Port) -> None:
        """Waits until connections to every one of `ports` are accepted."""
        try:
            for port in ports:
                wait_until(
                    functools.partial(self._is_settled, port), f"port {port.number} is served"
                )
        except AssertionError as error:
            raise AssertionError(f"{error}; {self._report()}") from error
        assert not self._has_ended(), self._report()

    def _is_settled(self, port: Port) -> bool:
        # What has ended will serve nothing any more.
        return port.is_served() or self._has_ended()

    def _has_ended(self) -> bool:
        return self._process.poll() is not None

    def _report(self) -> str:
        printed = self._log.read_text(errors="replace")
        return f"exit code {self._process.poll()}, output:\n{printed}"

    def __enter__(self) -> typing.Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: types.TracebackType | None,
    ) -> None:
        # Asked first: a server of several processes takes its workers with it. One
        # that takes its time over connections that tests left is not waited for.
        self._process.terminate()
        try:
            self._process.wait(3)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(DEADLINE)
