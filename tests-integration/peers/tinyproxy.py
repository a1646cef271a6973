"""tinyproxy, a real and plain HTTP proxy, with configurations of its own.

It closes a client's connection behind every response, tunnels aside. To a wrong password
it answers 401, as if it were the origin; only to none at all 407.
"""

import collections.abc
import contextlib
import dataclasses
import pathlib

from .ports import Address, reserved
from .processes import ServerProcess

USER = "somebody"
# No more than letters, digits, dots, hyphens and underscores: its grammar has no others.
PASSWORD = "open-sesame"

CONFIG = """
Listen 127.0.0.1
Port {port.number}
Allow 127.0.0.1
MaxClients 100
"""


@dataclasses.dataclass(frozen=True)
class Tinyproxy:
    """Where the running proxies are."""

    plain: Address
    guarded: Address
    """Asks for USER and PASSWORD."""


@contextlib.contextmanager
def running(executable: str, folder: pathlib.Path) -> collections.abc.Iterator[Tinyproxy]:
    """Runs a proxy without a password, and one with; keeps their files in `folder`."""
    guard = f"BasicAuth {USER} {PASSWORD}\n"
    with (
        _listening(executable, folder / "plain", CONFIG) as plain,
        _listening(executable, folder / "guarded", CONFIG + guard) as guarded,
    ):
        yield Tinyproxy(plain=plain, guarded=guarded)


@contextlib.contextmanager
def _listening(
    executable: str, folder: pathlib.Path, config: str
) -> collections.abc.Iterator[Address]:
    folder.mkdir()
    file = folder / "tinyproxy.conf"
    command = [executable, "-d", "-c", str(file)]
    with contextlib.ExitStack() as stack:
        with reserved(1) as (port,):
            file.write_text(config.format(port=port))
            process = ServerProcess(command, {}, [], folder / "tinyproxy.log")
            stack.enter_context(process).wait_served(port)
        yield Address("127.0.0.1", port.number)
