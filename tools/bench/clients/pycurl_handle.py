"""pycurl: one easy handle, which keeps the connections that it has made."""

import importlib
from collections.abc import Callable
from io import BytesIO
from typing import Protocol

from tools.bench.measure import Operation, main
from tools.bench.task import Task


class Handle(Protocol):
    """As much of a handle as is used here."""

    def setopt(
        self, option: int, value: int | str | bytes | BytesIO | Callable[[bytes], None]
    ) -> None: ...

    def perform(self) -> None: ...

    def close(self) -> None: ...


class CurlClient:
    """One handle, for one thread."""

    def __init__(self, task: Task) -> None:
        self._pycurl = importlib.import_module("pycurl")
        handle: Handle = self._pycurl.Curl()
        handle.setopt(self._pycurl.MAXCONNECTS, task.connections)
        if task.timeout is not None:
            # It knows none for a read; this is the nearest: so long without a byte.
            handle.setopt(self._pycurl.CONNECTTIMEOUT_MS, round(task.timeout * 1000))
            handle.setopt(self._pycurl.LOW_SPEED_LIMIT, 1)
            handle.setopt(self._pycurl.LOW_SPEED_TIME, round(task.timeout))
        self._handle = handle

    def get(self, url: str) -> Operation:
        handle, set_url, set_target = self._handle, self._pycurl.URL, self._pycurl.WRITEDATA

        def operation() -> int:
            body = BytesIO()
            handle.setopt(set_url, url)
            handle.setopt(set_target, body)
            handle.perform()
            return len(body.getvalue())

        return operation

    def download(self, url: str) -> Operation:
        handle, set_url = self._handle, self._pycurl.URL
        set_target = self._pycurl.WRITEFUNCTION

        def operation() -> int:
            count = 0

            def take(chunk: bytes) -> None:
                nonlocal count
                count += len(chunk)

            handle.setopt(set_url, url)
            handle.setopt(set_target, take)
            handle.perform()
            return count

        return operation

    def upload(self, url: str, body: bytes) -> Operation:
        handle, pycurl = self._handle, self._pycurl

        def operation() -> int:
            answer = BytesIO()
            handle.setopt(pycurl.URL, url)
            handle.setopt(pycurl.POST, 1)
            handle.setopt(pycurl.POSTFIELDS, body)
            handle.setopt(pycurl.WRITEDATA, answer)
            handle.perform()
            return int(answer.getvalue())

        return operation

    def close(self) -> None:
        self._handle.close()


if __name__ == "__main__":
    main(CurlClient)
