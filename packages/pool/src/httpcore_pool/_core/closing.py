"""Closing what is doomed."""

import collections.abc
import typing


class Closable(typing.Protocol):
    """Whatever holds a connection."""

    async def aclose(self) -> None:
        """Closes it; it is closed even when this fails or is cancelled."""


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
