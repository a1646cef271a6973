"""nghttpd, a real server of files that speaks nothing but HTTP/2, strictly.

It sends back what is uploaded, and puts a trailer behind every body.
"""

import collections.abc
import contextlib
import dataclasses
import os
import pathlib

from .certificates import Authority
from .ports import Port
from .processes import ServerProcess

SMALL = b"small, but framed\n"
MEDIUM_SIZE = 1_000_000
TRAILER = (b"x-behind", b"the body")
NARROW_STREAMS = 10


@dataclasses.dataclass(frozen=True)
class Nghttpd:
    """Where the running servers are, and what they serve."""

    plain: str
    tls: str
    narrow: str
    """Over TLS, and no more than NARROW_STREAMS requests at once on a connection."""
    files: pathlib.Path


@contextlib.contextmanager
def listening(
    executable: str,
    files: pathlib.Path,
    port: Port,
    log: pathlib.Path,
    *options: str,
    authority: Authority | None = None,
) -> collections.abc.Iterator[ServerProcess]:
    """Runs one server, over TLS if there is an authority for its certificate."""
    credentials = (
        ["--no-tls", str(port.number)]
        if authority is None
        else [str(port.number), str(authority.key_file), str(authority.chain_file)]
    )
    trailer = b": ".join(TRAILER).decode()
    command = [
        *(executable, "--address", "127.0.0.1", "--htdocs", str(files)),
        *("--echo-upload", "--trailer", trailer, *options, *credentials),
    ]
    with ServerProcess(command, {}, [], log) as process:
        process.wait_served(port)
        yield process


@contextlib.contextmanager
def running(
    executable: str, folder: pathlib.Path, authority: Authority
) -> collections.abc.Iterator[Nghttpd]:
    """Serves files; keeps them and the logs in `folder`."""
    files = folder / "files"
    write_files(files)
    with contextlib.ExitStack() as stack:
        ports = {}
        for name, options, signer in (
            ("plain", (), None),
            ("tls", (), authority),
            ("narrow", (f"--max-concurrent-streams={NARROW_STREAMS}",), authority),
        ):
            log = folder / f"{name}.log"
            with contextlib.closing(Port()) as port:
                serving = listening(executable, files, port, log, *options, authority=signer)
                stack.enter_context(serving)
            ports[name] = port.number
        yield Nghttpd(
            plain=f"http://127.0.0.1:{ports['plain']}",
            tls=f"https://localhost:{ports['tls']}",
            narrow=f"https://localhost:{ports['narrow']}",
            files=files,
        )


def write_files(files: pathlib.Path) -> None:
    files.mkdir()
    (files / "small.txt").write_bytes(SMALL)
    (files / "medium.bin").write_bytes(os.urandom(MEDIUM_SIZE))
