"""hypercorn, a real ASGI server: plain, over TLS, and on a Unix socket."""

import collections.abc
import contextlib
import dataclasses
import pathlib
import sys

from .certificates import Authority
from .processes import ServerProcess, listening_socket


@dataclasses.dataclass(frozen=True)
class Hypercorn:
    """Where the running server is."""

    plain: str
    tls: str
    socket_path: str


@contextlib.contextmanager
def running(folder: pathlib.Path, authority: Authority) -> collections.abc.Iterator[Hypercorn]:
    """Serves asgi_app.py; keeps its files in `folder`."""
    socket_path = folder / "hypercorn.sock"
    plain, tls, unix = listening_socket(), listening_socket(), listening_socket(socket_path)
    plain_port, tls_port = plain.getsockname()[1], tls.getsockname()[1]
    command = [
        *(sys.executable, "-m", "hypercorn", "peers.asgi_app:app", "--workers", "0"),
        *("--graceful-timeout", "0"),
        *("--bind", f"fd://{tls.fileno()}"),
        *("--insecure-bind", f"fd://{plain.fileno()}"),
        *("--insecure-bind", f"fd://{unix.fileno()}"),
        *("--certfile", str(authority.chain_file), "--keyfile", str(authority.key_file)),
    ]
    importable = {"PYTHONPATH": str(pathlib.Path(__file__).parents[1])}
    log = folder / "hypercorn.log"
    with ServerProcess(command, importable, [plain, tls, unix], log) as process:
        process.wait_ready(plain_port)
        yield Hypercorn(
            plain=f"http://127.0.0.1:{plain_port}",
            tls=f"https://localhost:{tls_port}",
            socket_path=str(socket_path),
        )
