"""`http.client` of the standard library: a connection for each operation."""

from http.client import HTTPConnection
from urllib.parse import urlsplit

from tools.bench.measure import Operation, main
from tools.bench.task import Task

READ = 64 * 1024


class StandardLibraryClient:
    """HTTPConnection objects that stay open."""

    def __init__(self, task: Task) -> None:
        self._timeout = task.timeout
        self._connections: list[HTTPConnection] = []

    def get(self, url: str) -> Operation:
        connection, target = self._open(url)

        def operation() -> int:
            connection.request("GET", target)
            return len(connection.getresponse().read())

        return operation

    def download(self, url: str) -> Operation:
        connection, target = self._open(url)

        def operation() -> int:
            connection.request("GET", target)
            response = connection.getresponse()
            count = 0
            while chunk := response.read(READ):
                count += len(chunk)
            return count

        return operation

    def upload(self, url: str, body: bytes) -> Operation:
        connection, target = self._open(url)

        def operation() -> int:
            connection.request("POST", target, body=body)
            return int(connection.getresponse().read())

        return operation

    def close(self) -> None:
        for connection in self._connections:
            connection.close()

    def _open(self, url: str) -> tuple[HTTPConnection, str]:
        parts = urlsplit(url)
        connection = HTTPConnection(parts.hostname or "", parts.port, timeout=self._timeout)
        self._connections.append(connection)
        return connection, parts.path


if __name__ == "__main__":
    main(StandardLibraryClient)
