"""What a library has to have, for streams and connects to wait with it."""

import collections.abc
import contextlib
import dataclasses
import types
import typing

from .._dial import AddressInfo

Arguments = typing.TypeVarTuple("Arguments")

Wait = collections.abc.Callable[[int], collections.abc.Awaitable[None]]


class CancelScope(typing.Protocol):
    """Cancels what is done inside of it, and ends that cancellation.

    Attributes:
        deadline: When it cancels by itself, by the library's clock; may be changed
            meanwhile.
    """

    deadline: float

    @property
    def cancel_called(self) -> bool:
        """Whether it is cancelled, by its deadline or by `cancel`."""
        ...

    @property
    def cancelled_caught(self) -> bool:
        """Whether the block was left because of that."""
        ...

    def cancel(self) -> None:
        """Cancels what is done inside of it."""
        ...

    def __enter__(self) -> typing.Self: ...

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: types.TracebackType | None,
        /,
    ) -> bool: ...


class MakeCancelScope(typing.Protocol):
    """Makes a scope that ends at a time of the library's clock."""

    def __call__(self, *, deadline: float) -> CancelScope: ...


class TaskEvent(typing.Protocol):
    """A one-shot event, of and for tasks."""

    # What some libraries return is of no use here.
    def set(self) -> object:
        """Wakes whoever waits, now or later."""
        ...

    async def wait(self) -> object:
        """Waits until it is set."""
        ...


class TaskGroup(typing.Protocol):
    """Tasks that end before the block of which they are part does."""

    @property
    def cancel_scope(self) -> CancelScope:
        """What cancels all of them."""
        ...

    # What some libraries return is of no use here.
    def start_soon(
        self,
        task: collections.abc.Callable[
            [*Arguments], collections.abc.Coroutine[object, None, object]
        ],
        /,
        *arguments: *Arguments,
    ) -> object:
        """Starts a task."""
        ...


@dataclasses.dataclass(frozen=True, slots=True)
class Library:
    """A library with cancel scopes, as far as a backend needs it.

    Attributes:
        current_time: Returns the time of the clock that deadlines are told in, in seconds.
        cancel_scope: Makes a scope that cancels what is done inside of it at its `deadline`.
        create_event: Returns a one-shot event.
        create_task_group: Returns a block of tasks. What ends one of them cancels the
            others, and is raised in a group.
        checkpoint: Lets other tasks have their turn, and notices a cancellation.
        sleep: Waits for so many seconds.
        wait_readable: Waits until the socket of a descriptor can be read. Like the next
            one, it raises one of `wait_failures` if that is closed meanwhile.
        wait_writable: Waits until the socket of a descriptor can be written.
        notify_closing: Ends the waits for the socket of a descriptor, which is about to be
            closed, or was closed meanwhile. It raises nothing, also where nothing runs any
            more.
        resolve: Returns the addresses of a host, given its name and a port. It raises
            OSError or UnicodeError if there are none.
        wait_failures: What a wait raises of a socket that is closed, or is waited for by
            another task.
        busy: The one of them that says the latter.
        cancelled_class: Returns what is raised in a task that is cancelled.
    """

    current_time: collections.abc.Callable[[], float]
    cancel_scope: MakeCancelScope
    create_event: collections.abc.Callable[[], TaskEvent]
    create_task_group: collections.abc.Callable[
        [], contextlib.AbstractAsyncContextManager[TaskGroup]
    ]
    checkpoint: collections.abc.Callable[[], collections.abc.Awaitable[None]]
    sleep: collections.abc.Callable[[float], collections.abc.Awaitable[None]]
    wait_readable: Wait
    wait_writable: Wait
    notify_closing: collections.abc.Callable[[int], None]
    resolve: collections.abc.Callable[
        [str, int], collections.abc.Awaitable[collections.abc.Sequence[AddressInfo]]
    ]
    wait_failures: tuple[type[Exception], ...]
    busy: type[Exception]
    cancelled_class: collections.abc.Callable[[], type[BaseException]]
