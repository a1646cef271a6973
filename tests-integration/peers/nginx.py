"""nginx, a real server of files, with a configuration of its own.

Every response carries the header X-Connection: nginx's number of the connection,
so that a test sees which responses came over the same one.
"""

import collections.abc
import contextlib
import dataclasses
import os
import pathlib
import signal

from .certificates import Authority
from .processes import ServerProcess, listening_socket

SMALL = b"small, but served by a real server\n"
MEDIUM_SIZE = 1_000_000
# More than any window and all buffers.
LARGE_SIZE = 40_000_000

CONFIG = """
{user}
daemon off;
pid {folder}/nginx.pid;
error_log stderr;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  gzip off;
  default_type application/octet-stream;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  ssl_certificate {authority.chain_file};
  ssl_certificate_key {authority.key_file};
  keepalive_requests 1000000;
  server {{
    listen 127.0.0.1:{plain};
    listen 127.0.0.1:{tls} ssl;
    {locations}
  }}
  server {{
    # Closes after every seventh response.
    listen 127.0.0.1:{few};
    listen 127.0.0.1:{few_tls} ssl;
    keepalive_requests 7;
    {locations}
  }}
  server {{
    # Closes connections that are idle for longer.
    listen 127.0.0.1:{brief};
    keepalive_timeout 30ms;
    {locations}
  }}
  server {{
    listen 127.0.0.1:{http2} http2;
    listen 127.0.0.1:{http2_tls} ssl http2;
    {locations}
  }}
  server {{
    listen 127.0.0.1:{few_http2} ssl http2;
    keepalive_requests 7;
    {locations}
  }}
}}
"""

LOCATIONS = """
    root {folder}/files;
    add_header X-Connection $connection always;
    error_page 404 /missing.html;
    location /uploads/ { dav_methods PUT; client_max_body_size 0; }
    location /discard { client_max_body_size 0; return 204; }
    location /limited/ { dav_methods PUT; client_max_body_size 1k; }
    # Without a length, so it comes in chunks; and in the other place until the end.
    location /included.shtml { ssi on; ssi_types *; }
    location /unbounded.shtml { ssi on; ssi_types *; chunked_transfer_encoding off; }
"""


@dataclasses.dataclass(frozen=True)
class Nginx:
    """Where the running server is, and what it serves."""

    plain: str
    tls: str
    closing_after_seven: str
    closing_after_seven_tls: str
    closing_when_idle: str
    http2: str
    """Speaks nothing else, in the clear."""
    http2_tls: str
    closing_after_seven_http2: str
    files: pathlib.Path
    pid_file: pathlib.Path

    def restart(self) -> None:
        """Lets new processes take over: the old ones answer what they have begun."""
        os.kill(int(self.pid_file.read_text()), signal.SIGHUP)


@contextlib.contextmanager
def running(
    executable: str, folder: pathlib.Path, authority: Authority
) -> collections.abc.Iterator[Nginx]:
    """Serves files; keeps them, the configuration and the logs in `folder`."""
    files = folder / "files"
    _write_files(files)
    names = ("plain", "tls", "few", "few_tls", "brief", "http2", "http2_tls", "few_http2")
    listeners = {name: listening_socket() for name in names}
    ports = {name: listener.getsockname()[1] for name, listener in listeners.items()}
    config = folder / "nginx.conf"
    config.write_text(_config(folder, authority, ports))
    # How nginx hands its listening sockets to a newer nginx.
    descriptors = "".join(f"{listener.fileno()};" for listener in listeners.values())
    command = [executable, "-p", str(folder), "-c", str(config), "-e", "stderr"]
    sockets = list(listeners.values())
    log = folder / "nginx.log"
    with ServerProcess(command, {"NGINX": descriptors}, sockets, log) as process:
        process.wait_ready(ports["plain"])
        yield Nginx(
            plain=f"http://127.0.0.1:{ports['plain']}",
            tls=f"https://localhost:{ports['tls']}",
            closing_after_seven=f"http://127.0.0.1:{ports['few']}",
            closing_after_seven_tls=f"https://localhost:{ports['few_tls']}",
            closing_when_idle=f"http://127.0.0.1:{ports['brief']}",
            http2=f"http://127.0.0.1:{ports['http2']}",
            http2_tls=f"https://localhost:{ports['http2_tls']}",
            closing_after_seven_http2=f"https://localhost:{ports['few_http2']}",
            files=files,
            pid_file=folder / "nginx.pid",
        )


def _config(folder: pathlib.Path, authority: Authority, ports: dict[str, int]) -> str:
    locations = LOCATIONS.replace("{folder}", str(folder))
    # Started by root, its work would otherwise be done by a user who may not
    # read the folder.
    user = "user root;" if os.geteuid() == 0 else ""
    return CONFIG.format(
        folder=folder, authority=authority, locations=locations, user=user, **ports
    )


def _write_files(files: pathlib.Path) -> None:
    (files / "uploads").mkdir(parents=True)
    (files / "limited").mkdir()
    (files / "small.txt").write_bytes(SMALL)
    (files / "missing.html").write_bytes(b"nothing of that name")
    (files / "medium.bin").write_bytes(os.urandom(MEDIUM_SIZE))
    include = b'before <!--#include virtual="/small.txt" --> after'
    (files / "included.shtml").write_bytes(include)
    (files / "unbounded.shtml").write_bytes(include)
    # Mostly holes, with marks in it: what comes out of order is noticed.
    with (files / "large.bin").open("wb") as file:
        file.truncate(LARGE_SIZE)
        for offset in range(0, LARGE_SIZE, 1_000_003):
            file.seek(offset)
            file.write(b"<%d>" % offset)
