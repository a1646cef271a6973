"""Closing what is doomed, and ending where nothing can be waited for any more."""

import collections.abc
import sys
import typing


class Closable(typing.Protocol):
    """Whatever holds a connection."""

    async def aclose(self) -> None:
        """Closes it; it is closed even when this fails or is cancelled."""


async def await_or_drop(awaitable: collections.abc.Awaitable[None]) -> None:
    """Awaits something, or only begins it, in a coroutine that is being thrown away.

    Python ends such a coroutine by GeneratorExit, and whoever waits in what follows
    gets "coroutine ignored GeneratorExit". It may be in the hands of the garbage
    collector, its event loop gone. What is begun here is thrown away likewise: a close,
    cancelled, has closed.
    """
    if not isinstance(sys.exception(), GeneratorExit):
        await awaitable
        return
    steps = awaitable.__await__()
    try:
        next(steps, None)
        steps.close()
    except Exception:  # noqa: BLE001, S110 - nobody is there to hear of it
        pass


async def close_all(doomed: collections.abc.Iterable[Closable]) -> None:
    """Closes every one of them, whatever happens on the way.

    Raises:
        BaseException: A cancellation that arrived meanwhile, once all are closed.
            Of a connection's own failure to close nobody needs to know.
    """
    interruption: BaseException | None = None
    for closable in doomed:
        try:
            await closable.aclose()
        except Exception:  # noqa: BLE001, S110 - see above
            pass
        except BaseException as exc:  # noqa: BLE001 - raised again below
            interruption = interruption or exc
    if interruption is not None:
        raise interruption
