"""Awaiting something step by step, to see and to disturb each of its suspensions."""

import collections.abc
import typing

Result = typing.TypeVar("Result")


class Stepped(typing.Generic[Result]):
    """Awaits something, and tells of each of its suspensions.

    Args:
        awaitable: What is awaited.
        suspended: Gets what it has yielded, before the event loop does.
    """

    def __init__(
        self,
        awaitable: collections.abc.Awaitable[Result],
        suspended: collections.abc.Callable[[object], None],
    ) -> None:
        self._awaitable = awaitable
        self._suspended = suspended

    def __await__(self) -> collections.abc.Generator[object, object, Result]:
        steps = typing.cast(
            "collections.abc.Generator[object, object, Result]", self._awaitable.__await__()
        )
        sent: object = None
        error: BaseException | None = None
        try:
            while True:
                try:
                    yielded = steps.send(sent) if error is None else steps.throw(error)
                except StopIteration as stop:
                    return typing.cast("Result", stop.value)
                self._suspended(yielded)
                try:
                    sent, error = (yield yielded), None
                except BaseException as exc:  # noqa: BLE001 - passed on in the next step
                    sent, error = None, exc
        finally:
            # Its traceback has this frame.
            error = None
