"""The servers that clients are measured against, started and stopped."""

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import trustme

from tools.bench.cores import pinned
from tools.bench.open_files import allow_open_files
from tools.bench.scenarios import LARGE, SMALL

START_SECONDS = 10.0
STOP_SECONDS = 5.0
PORT_ATTEMPTS = 5
SPARE_CONNECTIONS = 1024
"""nginx closes idle connections when a sixteenth of all or fewer are left; and those of
the client before may not be closed yet."""

# One process that serves, no logs, and connections that never have enough. The
# small file goes out in one write with its head; the large one by sendfile.
_NGINX = """\
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections {connections}; }}
http {{
  access_log off;
  default_type application/octet-stream;
  keepalive_requests 1000000000;
  keepalive_timeout 1h;
  open_file_cache max=16;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    root {folder}/files;
    location /small {{ sendfile off; }}
    location /large {{ sendfile on; sendfile_max_chunk 0; }}
  }}
  server {{
    listen 127.0.0.1:{tls_port} ssl http2 backlog=4096;
    ssl_certificate {folder}/chain.pem;
    ssl_certificate_key {folder}/key.pem;
    http2_max_concurrent_streams 1000;
    client_max_body_size 0;
    root {folder}/files;
    # To who reads it to its end, and while it still comes.
    location /upload {{
      proxy_pass http://127.0.0.1:{upload_port};
      proxy_http_version 1.1;
      proxy_request_buffering off;
    }}
  }}
}}
"""


class ServerError(Exception):
    """A server did not start; the message says why."""


@dataclass(frozen=True, slots=True)
class HTTP2Server:
    """Where HTTP/2 is spoken, over TLS.

    Args:
        small_url: Answers with 2 kB.
        large_url: Answers with 100 MB.
        upload_url: Takes a body and answers with the number of its bytes.
        authority: The file of who signed its certificate.
    """

    small_url: str
    large_url: str
    upload_url: str
    authority: str


@dataclass(frozen=True, slots=True)
class Servers:
    """Where the servers listen.

    Args:
        name: What answers the GETs, for the heading.
        small_url: Answers with 2 kB.
        large_url: Answers with 100 MB.
        upload_url: Takes a body and answers with the number of its bytes.
        idle_urls: Origins for idle connections; each answers as `small_url` does.
        http2: Who speaks HTTP/2; None: nobody.
    """

    name: str
    small_url: str
    large_url: str
    upload_url: str
    idle_urls: tuple[str, ...]
    http2: HTTP2Server | None = None


@contextmanager
def running_servers(core: int | None, idle: int, at_once: int) -> Iterator[Servers]:
    """Run what the scenarios need, on one core.

    Args:
        core: Which core; None: any.
        idle: How many origins to be idle at there are.
        at_once: How many connections to the same one have to be possible at once.

    Raises:
        ServerError: A server did not start.
    """
    connections = at_once * 2 + SPARE_CONNECTIONS
    try:
        # Inherited by nginx, which with a single process does not do it by itself.
        allow_open_files(connections + SPARE_CONNECTIONS)
    except ValueError as exc:
        raise ServerError(str(exc)) from exc
    with _running_embedded(core, idle) as (port, idle_ports):
        own = f"http://127.0.0.1:{port}"
        idle_urls = tuple(f"http://127.0.0.1:{port}/small" for port in idle_ports)
        program = find_nginx()
        if program is None:
            name = "an embedded server (no nginx found)"
            yield Servers(name, f"{own}/small", f"{own}/large", f"{own}/upload", idle_urls)
            return
        with _running_nginx(program, core, connections, port) as (name, base, http2):
            small, large = f"{base}/small", f"{base}/large"
            yield Servers(name, small, large, f"{own}/upload", idle_urls, http2)


def find_nginx() -> str | None:
    """Return the path of nginx; Debian keeps it where only root's PATH leads."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


@contextmanager
def _running_embedded(core: int | None, idle: int) -> Iterator[tuple[int, list[int]]]:
    command = [sys.executable, "-m", "tools.bench.embedded", str(idle)]
    with pinned(core):
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with stopping(process):
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise ServerError("the embedded server ended before it listened")
        ports = json.loads(line)
        yield ports["port"], ports["idle"]


@contextmanager
def _running_nginx(
    program: str, core: int | None, connections: int, upload_port: int
) -> Iterator[tuple[str, str, HTTP2Server]]:
    with TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        _write_files(folder / "files")
        authority = _write_certificate(folder)
        process, port, tls_port = _start_nginx(program, folder, core, connections, upload_port)
        base = f"https://127.0.0.1:{tls_port}"
        http2 = HTTP2Server(f"{base}/small", f"{base}/large", f"{base}/upload", authority)
        with stopping(process):
            yield _nginx_version(program), f"http://127.0.0.1:{port}", http2


def _write_certificate(folder: Path) -> str:
    """Return the file of the authority."""
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    chain = b"".join(pem.bytes() for pem in certificate.cert_chain_pems)
    (folder / "chain.pem").write_bytes(chain)
    (folder / "key.pem").write_bytes(certificate.private_key_pem.bytes())
    authority.cert_pem.write_to_path(folder / "authority.pem")
    return str(folder / "authority.pem")


def _write_files(folder: Path) -> None:
    folder.mkdir()
    (folder / "small").write_bytes(bytes(SMALL))
    with (folder / "large").open("wb") as file:
        file.truncate(LARGE)


def _start_nginx(
    program: str, folder: Path, core: int | None, connections: int, upload_port: int
) -> tuple[subprocess.Popen[bytes], int, int]:
    # nginx cannot be asked for any free port, so somebody may take ours before it does.
    for _ in range(PORT_ATTEMPTS):
        port, tls_port = _free_port(), _free_port()
        config = folder / "nginx.conf"
        text = _NGINX.format(
            folder=folder,
            port=port,
            tls_port=tls_port,
            upload_port=upload_port,
            connections=connections,
        )
        config.write_text(text)
        command = [program, "-p", f"{folder}/", "-c", str(config)]
        with pinned(core), (folder / "stderr").open("wb") as stderr:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=stderr)
        if _wait_listening(process, port):
            return process, port, tls_port
        with stopping(process):
            pass
    reason = (folder / "stderr").read_text().strip().split("\n")[-1]
    raise ServerError(f"nginx did not start: {reason}")


def _nginx_version(program: str) -> str:
    done = subprocess.run(
        [program, "-v"], capture_output=True, text=True, timeout=10, check=False
    )
    # It says "nginx version: nginx/1.22.1" on standard error.
    return done.stderr.strip().rpartition(" ")[2] or "nginx"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
        return port


def _wait_listening(process: subprocess.Popen[bytes], port: int) -> bool:
    give_up = time.monotonic() + START_SECONDS
    while time.monotonic() < give_up and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return True
    return False


@contextmanager
def stopping(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Stop a process at the end of the block, by force if it does not obey."""
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
