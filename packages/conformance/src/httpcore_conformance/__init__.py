"""The contract of httpcore's network interface, as tests for whoever writes a backend.

Subclass one of two classes, give it a fixture that makes the backend, and pytest does
the rest. The contract itself stands in the docstrings of `httpcore_interface`; each
failure quotes its sentence.

    _conformance.py    BackendConformance, AsyncBackendConformance
    _kit.py            what a backend says of itself, and the fixtures of all checks
    _contract.py       a sentence of the contract, tied to a check
    _checks/           the checks, written once for every colour, a noun in each file

How calls are run, so that a check is a plain function whatever the colour:

    _face.py           a backend and its streams as checks see them
    _operation.py      one call that is under way, and what comes of it
    _runner.py         in a thread, or in an event loop in a thread
    _asyncio_runner.py _trio_runner.py   the two event loops
    _stepping.py _cancellation.py        at which suspension a call is cancelled

What is at the other end:

    _peer.py           servers that do what the check tells them
    _terminator.py     a thread that takes the TLS off a connection
    _certificates.py   authorities, made once
    _blackhole.py      servers that answer no connect
    _resolver.py       names that resolve to what the check wants
    _sockets.py        which sockets this process has open
    _timing.py         how exactly time is kept
"""

import pytest

# So that a failing assert of a check shows what was compared. Before their import.
pytest.register_assert_rewrite(f"{__name__}._checks")

from ._asyncio_runner import AsyncioRunner  # noqa: E402 - see above
from ._conformance import AsyncBackendConformance, BackendConformance  # noqa: E402
from ._contract import ContractBroken  # noqa: E402
from ._operation import Operation  # noqa: E402
from ._resolver import LookUp  # noqa: E402
from ._runner import AsyncRunner, Call  # noqa: E402
from ._trio_runner import TrioRunner  # noqa: E402

__version__ = "0.1.0"

__all__ = [
    "AsyncBackendConformance",
    "AsyncRunner",
    "AsyncioRunner",
    "BackendConformance",
    "Call",
    "ContractBroken",
    "LookUp",
    "Operation",
    "TrioRunner",
]

# Users read these names in tracebacks and write them in imports: the address
# that they see is the one that they can use.
for _name in __all__:
    if isinstance(globals()[_name], type):
        globals()[_name].__module__ = __name__
del _name
