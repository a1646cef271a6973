"""squid, a real HTTP proxy, with a configuration of its own.

It goes to this host only, and answers 403 to whoever wants more. Of what it forwards it
keeps nothing: each response comes over a connection of its own to the origin.
"""

import collections.abc
import contextlib
import dataclasses
import pathlib
import secrets
import urllib.parse

from .certificates import Authority
from .ports import Address, Port, reserved
from .processes import ServerProcess

USER = "somebody"
PASSWORD = "open: sesame"

# Started by root, squid does its work as somebody who may not read the folder: what it
# needs later than the configuration and the certificate has to be in here, so that the
# helper that knows the password is no file of its own.
CONFIG = """
http_port 127.0.0.1:{plain.number}
http_port 127.0.0.1:{guarded.number} name=guarded
https_port 127.0.0.1:{tls.number} tls-cert={authority.chain_file} tls-key={authority.key_file}

auth_param basic program /bin/sh -c "{helper}"
auth_param basic children 1
auth_param basic realm squid
acl guarded myportname guarded
acl known proxy_auth REQUIRED
http_access deny guarded !known
http_access allow localhost to_localhost
http_access deny all

# Nothing is looked up elsewhere, written down or kept.
visible_hostname localhost
dns_nameservers 127.0.0.1
dns_timeout 1 second
access_log none
cache_log /dev/null
pid_filename none
cache deny all
cache_mem 8 MB
server_persistent_connections off

workers 1
max_filedescriptors 1024
pinger_enable off
icp_port 0
htcp_port 0
snmp_port 0
shutdown_lifetime 0 seconds
"""

# Gets a line for each pair, percent-encoded where it would not be in a line otherwise.
HELPER = (
    "while read -r pair; do case $pair in"
    " '{user} {password}') echo OK;; *) echo ERR;; esac; done"
)


@dataclasses.dataclass(frozen=True)
class Squid:
    """Where the running proxy is."""

    plain: Address
    guarded: Address
    """Asks for USER and PASSWORD."""
    tls: Address
    """Speaks TLS, with the authority's certificate."""


@contextlib.contextmanager
def running(
    executable: str, folder: pathlib.Path, authority: Authority
) -> collections.abc.Iterator[Squid]:
    """Runs the proxy; keeps its files in `folder`."""
    file = folder / "squid.conf"
    name = f"httpcore{secrets.token_hex(8)}"
    # One process, in the foreground, that prints what it has to say. Without a name of its
    # own it would share memory with whatever squid there is, or fail over what one left.
    command = [executable, "-N", "-d", "1", "-n", name, "-f", str(file)]
    with contextlib.ExitStack() as stack:
        stack.callback(_remove_shared_memory, name)
        with reserved(3) as (plain, guarded, tls):
            file.write_text(_config(authority, plain, guarded, tls))
            process = ServerProcess(command, {}, [], folder / "squid.log")
            stack.enter_context(process).wait_served(plain, guarded, tls)
        yield Squid(
            plain=Address("127.0.0.1", plain.number),
            guarded=Address("127.0.0.1", guarded.number),
            tls=Address("localhost", tls.number),
        )


def _remove_shared_memory(name: str) -> None:
    # Squid does so itself, unless it took too long over its end and was killed.
    for segment in pathlib.Path("/dev/shm").glob(f"{name}-*.shm"):
        segment.unlink()


def _config(authority: Authority, plain: Port, guarded: Port, tls: Port) -> str:
    user, password = (urllib.parse.quote(part, safe=":") for part in (USER, PASSWORD))
    return CONFIG.format(
        helper=HELPER.format(user=user, password=password),
        authority=authority,
        plain=plain,
        guarded=guarded,
        tls=tls,
    )
