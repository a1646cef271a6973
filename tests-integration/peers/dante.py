"""dante, a real SOCKS server, with a configuration of its own.

It speaks SOCKS5 and SOCKS4, but not 4a: such a name it takes for an address. It goes to
this host only, and refuses whoever wants more.

Dante asks the system for users and their passwords. So that there is no need for one on
this machine, it runs under nss_wrapper, a library that answers those questions from files
of ours; names of hosts, too, so that it has one that nobody else knows.
"""

import collections.abc
import contextlib
import dataclasses
import os
import pathlib
import subprocess

from .ports import Address, reserved
from .processes import ServerProcess
from .programs import give_up

USER = "somebody"
PASSWORD = "open: sesame"

CONFIG = """
logoutput: stderr
internal: 127.0.0.1 port = {plain.number}
internal: 127.0.0.1 port = {guarded.number}
external: lo
clientmethod: none
socksmethod: username none

client pass {{
  from: 127.0.0.1/32 to: 127.0.0.1/32 port = {plain.number}
  socksmethod: none
}}
client pass {{
  from: 127.0.0.1/32 to: 127.0.0.1/32 port = {guarded.number}
  socksmethod: username
}}
socks pass {{
  from: 127.0.0.1/32 to: 127.0.0.0/8
  command: connect
}}
socks pass {{
  from: 127.0.0.1/32 to: ::1/128
  command: connect
}}
"""

WRAPPER = "libnss_wrapper.so"
SYSTEM = {
    "passwd": f"{USER}:x:4000:4000::/:\n",
    # Of PASSWORD, by `openssl passwd -6`.
    "shadow": f"{USER}:$6$proxies$uhK/oKR1KMOrWSj90Mw09Sjk2UPVb7OtoOdDYYjZF1gBu8qPUH3vepsrHRbof"
    "Tp/SbuIocErIsSA2pXOwgqdV1:::::::\n",
    "group": "",
    "hosts": "127.0.0.1 localhost example.com\n::1 localhost\n",
}


@dataclasses.dataclass(frozen=True)
class Dante:
    """Where the running server is; it takes example.com for 127.0.0.1."""

    plain: Address
    guarded: Address
    """Asks for USER and PASSWORD, and so speaks SOCKS5 only."""


def require_wrapper() -> None:
    """Returns if nss_wrapper is there; otherwise the test cannot be run."""
    # The loader knows where libraries are, and complains of those that are not.
    preloading = os.environ | {"LD_PRELOAD": WRAPPER}
    probe = subprocess.run(["/bin/true"], env=preloading, stderr=subprocess.PIPE, check=True)
    if probe.stderr:
        give_up("nss_wrapper", "libnss-wrapper")


@contextlib.contextmanager
def running(executable: str, folder: pathlib.Path) -> collections.abc.Iterator[Dante]:
    """Runs the server; keeps its files in `folder`."""
    environment = {"LD_PRELOAD": WRAPPER, "TMPDIR": str(folder)}
    for name, content in SYSTEM.items():
        (folder / name).write_text(content)
        environment[f"NSS_WRAPPER_{name.upper()}"] = str(folder / name)
    file = folder / "danted.conf"
    command = [executable, "-f", str(file), "-p", str(folder / "danted.pid")]
    with contextlib.ExitStack() as stack:
        with reserved(2) as (plain, guarded):
            file.write_text(CONFIG.format(plain=plain, guarded=guarded))
            process = ServerProcess(command, environment, [], folder / "danted.log")
            stack.enter_context(process).wait_served(plain, guarded)
        yield Dante(
            plain=Address("127.0.0.1", plain.number),
            guarded=Address("127.0.0.1", guarded.number),
        )
