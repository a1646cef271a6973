"""What runs an async function: the colours of the tests, for programs."""

import collections.abc
import sys

import httpcore

Main = collections.abc.Callable[[], collections.abc.Coroutine[object, object, object]]


def run_on(colour: str, main: Main) -> None:
    """Runs an async function in a loop of a colour."""
    # Imported where they are needed: most programs are small.
    if colour.endswith("trio"):
        import trio

        trio.run(main)
    elif colour == "uvloop" and sys.platform != "win32":
        import asyncio

        import uvloop

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(main())
    else:
        import asyncio

        asyncio.run(main())


def make_backend(colour: str) -> httpcore.AsyncNetworkBackend:
    """Makes the network backend of a colour."""
    if colour == "trio":
        return httpcore.TrioBackend()
    return httpcore.AnyIOBackend() if "anyio" in colour else httpcore.AsyncioBackend()
