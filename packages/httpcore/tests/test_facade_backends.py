"""Which backend async code gets that names none: found by what is running."""

import subprocess
import sys

import pytest

PROGRAM = """
import socket
import sys
import threading

import {library}

for name in {missing!r}:
    sys.modules[name] = None

import httpcore

listener = socket.create_server(("127.0.0.1", 0))
host, port = listener.getsockname()


def serve():
    while True:
        connection, _ = listener.accept()
        with connection:
            received = connection.recv(4096)
            if not received:
                return
            connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nhi")


async def main():
    async with httpcore.AsyncConnectionPool() as pool:
        try:
            response = await pool.request("GET", f"http://{{host}}:{{port}}/")
            print(response.content)
        except ImportError as exc:
            print(exc)


with listener:
    server = threading.Thread(target=serve)
    server.start()
    {library}.run({argument})
    # Who comes and says nothing ends it.
    socket.create_connection((host, port)).close()
    server.join()
names = ("httpcore_asyncio", "httpcore_anyio", "httpcore_trio", "httpcore_sync")
print([name for name in names if sys.modules.get(name)])
"""

NONE_INSTALLED = (
    "no network backend for {0} is installed: install httpcore-{0}, or pass network_backend=..."
)


@pytest.mark.parametrize(
    ("library", "missing", "first", "imported"),
    [
        ("asyncio", [], "b'hi'", ["httpcore_asyncio"]),
        ("asyncio", ["httpcore_asyncio"], "b'hi'", ["httpcore_anyio"]),
        (
            "asyncio",
            ["httpcore_asyncio", "httpcore_anyio"],
            NONE_INSTALLED.format("asyncio"),
            [],
        ),
        ("trio", [], "b'hi'", ["httpcore_trio"]),
        ("trio", ["httpcore_trio"], "b'hi'", ["httpcore_anyio"]),
        ("trio", ["httpcore_trio", "httpcore_anyio"], NONE_INSTALLED.format("trio"), []),
    ],
)
def test_async_pool_uses_the_backend_of_what_is_running(
    library: str, missing: list[str], first: str, imported: list[str]
) -> None:
    argument = "main()" if library == "asyncio" else "main"
    program = PROGRAM.format(library=library, missing=missing, argument=argument)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [first, repr(imported)]
