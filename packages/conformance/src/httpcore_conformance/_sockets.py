"""Which sockets this process has open."""

import collections.abc
import os
import pathlib
import socket
import stat
import time

import pytest

# Where systems list the descriptors of the process that looks.
_FOLDERS = ("/proc/self/fd", "/dev/fd")


def open_sockets() -> set[tuple[int, int]]:
    """Returns the sockets that are open, each by its device and inode.

    Skips the test where the system does not tell.
    """
    return {key for key, _ in _inodes()}


def _inodes() -> collections.abc.Iterator[tuple[tuple[int, int], int]]:
    """Yields device and inode of each socket, and its descriptor."""
    for descriptor in _descriptors():
        try:
            status = os.fstat(descriptor)
        except OSError:
            # The one with which the folder was read, for example.
            continue
        if stat.S_ISSOCK(status.st_mode):
            yield (status.st_dev, status.st_ino), descriptor


def _descriptors() -> collections.abc.Iterable[int]:
    for folder in map(pathlib.Path, _FOLDERS):
        if folder.is_dir():
            return [int(path.name) for path in folder.iterdir()]
    pytest.skip("this system does not tell which sockets are open")


class OpenSockets:
    """The sockets that were open at one moment: what has been opened since?

    Args:
        patience: Seconds within which an event loop has to do what it was left to do.
    """

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._before = open_sockets()

    def count_new(self, expected: int = 0) -> int:
        """Returns how many sockets have been opened since, and are still open.

        Args:
            expected: What is waited for.
        """
        wait_until(lambda: self._count() == expected, self._patience)
        return self._count()

    def _count(self) -> int:
        return len(open_sockets() - self._before)


class WatchedSocket:
    """One socket of this process: is it still open?

    Args:
        address: Its own address, by which it is found.
        patience: Seconds within which an event loop has to do what it was left to do.
    """

    def __init__(self, address: object, patience: float) -> None:
        self._patience = patience
        found = [key for key, number in _inodes() if _address_of(number) == address]
        assert found, f"there is no socket whose address is {address}"
        self._key = found[0]

    def is_closed(self) -> bool:
        """Waits; whether it is closed."""
        return wait_until(lambda: self._key not in open_sockets(), self._patience)


def wait_until(condition: collections.abc.Callable[[], bool], seconds: float) -> bool:
    """Looks again and again, for states that nothing announces; whether it came true."""
    end = time.monotonic() + seconds
    pause = 0.0005
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(pause)
        pause = min(2 * pause, 0.05)
    return True


def _address_of(descriptor: int) -> object:
    try:
        with socket.socket(fileno=os.dup(descriptor)) as sock:
            return sock.getsockname()
    except OSError:
        return None
