"""A network in memory that plays scripts: no socket, no waiting, any fault on demand.

    network.play(TakeRequest(), Give(b"HTTP/1.1 200 OK..."))    # the next connection
    pool = ConnectionPool(network_backend=ScriptedBackend(network))

A script says what the server does, in order. What it gives can be read as soon as the steps
before are over. A read that nothing answers moves a clock by its timeout, and raises.

`Network` and `Connection` know no colour: they do in coroutines what a backend and a stream
do; their `pace` says how they wait. `scripted_backend.py` has their blocking faces, which
step them, `scripted_async_backend.py` the async ones.

What a client does that no script foresees is a complaint, raised at once and in the end.
"""

import collections
import collections.abc
import contextlib
import dataclasses
import math
import ssl
import threading
import typing

import h11
from injected_faults import CancelHere, Fault, FaultKind, failure_of
from pace import Hook, Pace
from script_steps import (
    Congested,
    Dial,
    FailWrite,
    Give,
    Hang,
    Live,
    Meanwhile,
    MeanwhileWriting,
    Pause,
    Received,
    Serve,
    Shake,
    Stall,
    Step,
    TakeRequest,
    received,
)
from virtual_clock import Clock

from httpcore_interface import (
    SOCKET_OPTION,
    AsyncEvent,
    ConnectError,
    ConnectTimeout,
    ReadError,
    ReadTimeout,
    WriteError,
    WriteTimeout,
)

T = typing.TypeVar("T")

PATIENCE = 10.0
"""Seconds of real time after which a test that waits for another thread fails."""


@dataclasses.dataclass(frozen=True)
class Address:
    """What a connect was given."""

    host: str | None = None
    port: int | None = None
    path: str | None = None
    timeout: float | None = None
    local_address: str | None = None
    socket_options: tuple[SOCKET_OPTION, ...] | None = None


@dataclasses.dataclass(frozen=True)
class Handshake:
    """What a start_tls was given."""

    ssl_context: ssl.SSLContext
    server_hostname: str | None
    timeout: float | None


class Network:
    """Every connection of a test, and what was done to reach them.

    Args:
        pace: How it waits.

    Attributes:
        clock: Its time.
        connections: Those that were established, in order.
        attempts: What each attempt to connect was given, failed ones included.
        sleeps: The seconds of each sleep.
        operations: The name of each call that a backend, stream or event was given.
        fault: The one of them that fails.
        otherwise: The script of connections that none was written for.
        while_sleeping: What happens during each sleep.
        complaints: What the client should not have done.
        alpn: What handshakes negotiate.
        send_buffer: How many bytes a socket says that its buffer has; None: there is none.
    """

    def __init__(self, pace: Pace | None = None) -> None:
        self.pace = Pace() if pace is None else pace
        self.clock = Clock()
        self.connections: list[Connection] = []
        self.attempts: list[Address] = []
        self.sleeps: list[float] = []
        self.operations: list[str] = []
        self.fault: Fault | None = None
        self.alpn = "http/1.1"
        self.send_buffer: int | None = None
        self.otherwise: collections.abc.Callable[[], list[Step]] | None = None
        self.while_sleeping: Hook | None = None
        self._scripts: collections.deque[list[Step]] = collections.deque()
        self.complaints: list[str] = []
        self._while_waiting: collections.deque[Hook] = collections.deque()
        self._waiting = 0
        self._changed = threading.Condition()

    def play(self, *steps: Step) -> None:
        """Writes the script of the next connection that has none yet."""
        self._scripts.append(list(steps))

    def answer(self, *answers: bytes) -> None:
        """Writes the script of a connection that answers so many requests."""
        self.play(*(step for answer in answers for step in (TakeRequest(), Give(answer))))

    def serve(self, answer: collections.abc.Callable[[Received], bytes]) -> None:
        """Lets every connection without a script answer every request."""
        self.otherwise = lambda: [Serve(answer)]

    def while_waiting(self, *hooks: Hook) -> None:
        """Says what happens while the next who wait on an event do so.

        One that is not set by then waits in vain: its timeout passes.
        """
        self._while_waiting.extend(hooks)

    @property
    def open_connections(self) -> list["Connection"]:
        """The connections that are open at this end."""
        return [connection for connection in self.connections if connection.is_open]

    def complain(self, complaint: str) -> typing.NoReturn:
        """Notes and raises what the client should not have done."""
        self.complaints.append(complaint)
        raise AssertionError(complaint)

    def check(self) -> None:
        """Makes sure that every script was played, and nobody had to complain."""
        assert not self.complaints
        assert not self._scripts, "there were fewer connections than scripts"
        for connection in self.connections:
            left = [step for step in connection.steps if not step.is_open_ended]
            assert not left, f"connection {connection.number} has not played {left}"

    # -- what backends do ------------------------------------------------------------

    async def call(
        self, operation: str, effect: collections.abc.Callable[[], collections.abc.Awaitable[T]]
    ) -> T:
        """Counts a call and carries it out, or makes it fail if it is its turn."""
        number = len(self.operations)
        self.operations.append(operation)
        fault = self.fault
        if fault is None or not fault.hits(number):
            await self.pace.checkpoint()
            return await effect()
        if fault.is_late and number == fault.at:
            with contextlib.suppress(Exception):
                await effect()
        if fault.kind is FaultKind.CANCEL:
            await self.pace.cancel()
        raise failure_of(operation, fault.kind)

    async def connect(self, operation: str, address: Address) -> "Connection":
        """Establishes the next connection, or fails as its script says."""
        made: list[Connection] = []
        script: list[Step] = []

        async def effect() -> None:
            self.attempts.append(address)
            script.extend(self._next_script())
            steps = list(script)
            if steps and isinstance(steps[0], Dial):
                await self.pass_time(steps.pop(0), address.timeout, ConnectTimeout)
            connection = Connection(self, len(self.connections), steps, address)
            connection.script = script
            made.append(connection)
            with self._changed:
                self.connections.append(connection)
                self._changed.notify_all()
            await self.pace.checkpoint()

        try:
            await self.call(operation, effect)
        except BaseException:
            self.take_back(script)
            for connection in made:
                connection.is_open = False
            raise
        return made[0]

    def take_back(self, script: list[Step]) -> None:
        """Keeps the script of a connection that a fault has just prevented."""
        if self.fault is not None and self.fault.at == len(self.operations) - 1 and script:
            self._scripts.appendleft(script)

    def _next_script(self) -> list[Step]:
        if self._scripts:
            return self._scripts.popleft()
        if self.otherwise is None:
            self.complain(f"no script was written for connection {len(self.connections)}")
        return self.otherwise()

    async def pass_time(
        self, step: Step, timeout: float | None, expired: type[Exception]
    ) -> None:
        """Lets a step that takes time take it, or the timeout pass."""
        assert isinstance(step, Dial | Shake)
        if step.meanwhile is not None:
            await self.pace.run_hook(step.meanwhile)
        if timeout is not None and timeout < step.seconds:
            self.clock.advance(timeout)
            raise expired(f"timed out after {timeout} seconds")
        self.clock.advance(step.seconds)
        if step.error is not None:
            raise step.error

    async def sleep(self, seconds: float) -> None:
        """Lets time pass."""

        async def effect() -> None:
            self.sleeps.append(seconds)
            self.clock.advance(seconds)
            if self.while_sleeping is not None:
                await self.pace.run_hook(self.while_sleeping)

        await self.call("sleep", effect)

    async def wait(
        self,
        wait_really: collections.abc.Callable[
            [float | None], collections.abc.Coroutine[object, None, bool]
        ],
        timeout: float | None,
    ) -> bool:
        """Waits on an event: for a hook, where one was written, or really."""

        async def effect() -> bool:
            if self._while_waiting:
                return await self._wait_for_hook(wait_really, timeout)
            with self._changed:
                self._waiting += 1
                self._changed.notify_all()
            try:
                if await wait_really(min(timeout or PATIENCE, PATIENCE)):
                    return True
            finally:
                with self._changed:
                    self._waiting -= 1
                    self._changed.notify_all()
            if timeout is None or timeout > PATIENCE:
                self.complain("a request waits, and nobody wakes it")
            return False

        return await self.call("wait", effect)

    async def _wait_for_hook(
        self,
        wait_really: collections.abc.Callable[
            [float | None], collections.abc.Coroutine[object, None, bool]
        ],
        timeout: float | None,
    ) -> bool:
        try:
            await self.pace.run_hook(self._while_waiting.popleft())
        except CancelHere:
            await self.pace.cancel()
        if not await wait_really(0) and timeout is not None:
            self.clock.advance(timeout)
        return await wait_really(0)

    def forget_scripts(self) -> None:
        """Drops the scripts of connections that were never made."""
        self._scripts.clear()

    @property
    def waiting(self) -> int:
        """How many threads wait on events."""
        return self._waiting

    def until_connected(self, count: int) -> None:
        """Returns once so many connections have been established."""
        self.until(lambda: len(self.connections) == count)

    def until_waiting(self, count: int) -> None:
        """Returns once so many threads wait on events."""
        self.until(lambda: self._waiting == count)

    def until(self, condition: collections.abc.Callable[[], bool]) -> None:
        """Returns once something has come about."""
        with self._changed:
            assert self._changed.wait_for(condition, PATIENCE)

    def notice(self) -> None:
        """Lets those look again who wait for something to come about."""
        with self._changed:
            self._changed.notify_all()


class Connection:
    """One connection, and the server at its other end.

    Attributes:
        number: Its place in `Network.connections`.
        address: What it was dialled with.
        steps: What is left of its script.
        script: All of it.
        is_open: Whether it is open at this end.
        inbox: What the client has written, and the script has not taken yet.
        outbox: What the client can read: segments, `b""` for the end, None for a
            record without data, or an error.
        written: The very buffers that the client wrote.
        requests: Those that the script has taken.
        timeouts: (operation, timeout) of each read and write.
        handshakes: What each start_tls was given.
        close_error: What a close raises that has closed it.
        is_deaf: Whether the server has ended its side: what is sent gets lost.
        after_look: What happens, once, after the client has looked whether it is
            readable, and before it knows.
    """

    def __init__(
        self, network: Network, number: int, steps: list[Step], address: Address
    ) -> None:
        self.network = self._network = network
        self.number = number
        self.address = address
        self.steps = steps
        self.script: list[Step] = []
        self.is_open = True
        self.inbox = bytearray()
        self.outbox: collections.deque[bytes | BaseException | None] = collections.deque()
        self.written: list[bytes] = []
        self.requests: list[Received] = []
        self.timeouts: list[tuple[str, float | None]] = []
        self.handshakes: list[Handshake] = []
        self.after_look: Hook | None = None
        self.close_error: BaseException | None = None
        self.is_deaf = False
        self._is_broken = self._is_reset = False
        self._is_live = any(isinstance(step, Live) for step in steps)
        self._parser: h11.Connection | None = None
        self._events: list[h11.Request | h11.Data] = []
        self._closed: AsyncEvent = network.pace.create_event()
        self._hanging = threading.Event()
        self._advance()

    def complain(self, complaint: str) -> typing.NoReturn:
        """Notes and raises what the client should not have done."""
        self._network.complain(f"connection {self.number}: {complaint}")

    @property
    def sent(self) -> bytes:
        """All that the client wrote."""
        return b"".join(self.written)

    def take_request(self) -> Received | None:
        """Takes a whole request out of the inbox; None while it is not complete."""
        if not self.inbox:
            return None
        if self._parser is None:
            self._parser = h11.Connection(h11.SERVER)
            self._events = []
        self._parser.receive_data(bytes(self.inbox))
        self.inbox.clear()
        while True:
            event = self._parser.next_event()
            if isinstance(event, h11.Request | h11.Data):
                self._events.append(event)
            elif isinstance(event, h11.EndOfMessage):
                break
            else:
                return None
        unread, _ = self._parser.trailing_data
        self.inbox += unread
        head, *body = self._events
        assert isinstance(head, h11.Request)
        request = received(
            head, b"".join(bytes(part.data) for part in body if isinstance(part, h11.Data))
        )
        self.requests.append(request)
        self._parser = None
        return request

    def _advance(self) -> None:
        while self.steps and self.steps[0].play(self):
            self.steps.pop(0)

    # -- what streams do -------------------------------------------------------------

    async def read(self, max_bytes: int, timeout: float | None) -> bytes:
        """Returns what the script has given, or waits as long as it says."""

        async def effect() -> bytes:
            while True:
                if not self.is_open:
                    raise ReadError("this stream is closed")
                self._advance()
                if not self.outbox:
                    await self._wait_for_bytes(timeout)
                elif self.outbox[0] is None:
                    self.outbox.popleft()
                else:
                    return self._next_segment(max_bytes)

        self.timeouts.append(("read", timeout))
        return await self._network.call("read", effect)

    def _next_segment(self, max_bytes: int) -> bytes:
        segment = self.outbox[0]
        assert segment is not None
        if isinstance(segment, BaseException):
            self.outbox.popleft()
            raise segment
        if not segment:
            return b""  # and so for ever
        if len(segment) > max_bytes:
            self.outbox[0] = segment[max_bytes:]
        else:
            self.outbox.popleft()
        return segment[:max_bytes]

    async def _wait_for_bytes(self, timeout: float | None) -> None:
        step = self.steps[0] if self.steps else None
        if isinstance(step, Live) and await step.wait(timeout):
            return
        if isinstance(step, Meanwhile):
            self.steps.pop(0)
            await self._network.pace.run_hook(step.hook)
        elif isinstance(step, Hang):
            self.steps.pop(0)
            self._hanging.set()
            if not await self._closed.wait(PATIENCE):
                self.complain("a read was not interrupted")
        elif isinstance(step, Pause) and (timeout is None or timeout >= step.seconds):
            self.steps.pop(0)
            self._network.clock.advance(step.seconds)
        elif self._is_reset:
            raise ReadError("the connection was reset")
        elif timeout is None or math.isinf(timeout):
            self.complain(f"the client reads for ever, but the server is at {step}")
        else:
            if isinstance(step, Pause):
                self.steps[0] = dataclasses.replace(step, seconds=step.seconds - timeout)
            self._network.clock.advance(timeout)
            raise ReadTimeout(f"nothing came within {timeout} seconds")

    def until_hanging(self) -> None:
        """Returns once a thread has come to a `Hang`."""
        assert self._hanging.wait(PATIENCE)

    async def write(self, buffer: bytes, timeout: float | None) -> None:
        """Gives the script what the client sends."""

        async def effect() -> None:
            await self._write(buffer, timeout)
            await self._network.pace.checkpoint()

        self.timeouts.append(("write", timeout))
        if self._is_broken:
            if self._network.fault is None and not self._is_live:
                self.complain("a write follows one that failed")
            raise WriteError("the connection is broken")
        try:
            await self._network.call("write", effect)
            self._is_broken = False
        except BaseException as exc:
            # To a live server a write that was cancelled before it began did nothing.
            self._is_broken |= not self._is_live or isinstance(exc, Exception)
            self._is_reset = isinstance(exc, WriteError)
            raise

    async def _write(self, buffer: bytes, timeout: float | None) -> None:
        self._is_broken = True
        step = self._step_at_write()
        if isinstance(step, MeanwhileWriting):
            self.steps.pop(0)
            await self._network.pace.run_hook(step.hook)
            step = self._step_at_write()
        if isinstance(step, FailWrite):
            self.steps.pop(0)
            raise step.error
        if isinstance(step, Stall):
            self._stall(step, timeout)
        elif isinstance(step, Congested):
            self.complain("a write follows, though the server takes nothing")
        elif step is None and not self.is_deaf:
            self.complain(f"nobody expected {bytes(buffer[:200])!r}")
        self.written.append(buffer)
        self.inbox += buffer
        self._advance()

    def _step_at_write(self) -> Step | None:
        if not self.is_open:
            raise WriteError("this stream is closed")
        self._advance()
        return self.steps[0] if self.steps else None

    def _stall(self, step: Stall, timeout: float | None) -> None:
        self.steps.pop(0)
        if timeout is None or timeout >= step.seconds:
            self._network.clock.advance(step.seconds)
        else:
            self._network.clock.advance(timeout)
            raise WriteTimeout(f"nothing was taken within {timeout} seconds")

    async def start_tls(self, handshake: Handshake) -> None:
        """Does the handshake as the script says; a failed one closes."""

        async def effect() -> None:
            if not self.is_open:
                raise ConnectError("this stream is closed")
            self._advance()
            self.handshakes.append(handshake)
            if self.steps and isinstance(self.steps[0], Shake):
                step = self.steps.pop(0)
                await self._network.pass_time(step, handshake.timeout, ConnectTimeout)
            if not self.is_open:
                raise ConnectError("the stream was closed during the handshake")
            await self._network.pace.checkpoint()

        try:
            await self._network.call("start_tls", effect)
        except BaseException:
            self._network.take_back(self.script)
            self.is_open = False
            raise

    async def close(self) -> None:
        """Closes, before it waits for anything, and even when it fails."""

        async def effect() -> None:
            await self._network.pace.checkpoint()
            if self.close_error is not None:
                raise self.close_error

        self.is_open = False
        self._closed.set()
        for step in self.steps:
            step.wake()
        await self._network.call("close", effect)

    def is_writable(self) -> bool:
        """Whether a write would be taken at once."""
        if self.is_open:
            self._advance()
        return not (self.steps and self.steps[0].is_congested)

    async def wait_writable(self, timeout: float | None) -> bool:
        """Waits until a write would be taken, or a read would return."""

        async def effect() -> bool:
            while not self.is_writable() and not self.outbox and self.is_open:
                step = self.steps[0]
                if isinstance(step, Live):
                    if await step.wait(timeout):
                        continue
                    self._network.clock.advance(timeout or 0.0)
                    raise WriteTimeout("the server takes nothing")
                assert isinstance(step, Congested)
                if timeout is not None and timeout < step.seconds:
                    self.steps[0] = Congested(step.seconds - timeout)
                    self._network.clock.advance(timeout)
                    raise WriteTimeout("the server takes nothing")
                self.steps.pop(0)
                self._network.clock.advance(step.seconds)
            if not self.is_open:
                raise WriteError("this stream is closed")
            return self.is_writable()

        self.timeouts.append(("wait_writable", timeout))
        try:
            return await self._network.call("wait_writable", effect)
        except WriteError:
            self._is_reset = True
            raise

    def is_readable(self) -> bool:
        """Whether a read would return at once."""
        if self.is_open:
            self._advance()
        seen = not self.is_open or bool(self.outbox)
        if self.after_look is not None:
            hook, self.after_look = self.after_look, None
            hook()
        return seen
