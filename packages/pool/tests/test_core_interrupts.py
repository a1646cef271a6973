"""A signal handler that raises, wherever Python runs one within the pool's books.

Ctrl+C does so, and so do the alarms by which supervisors of worker processes end what takes
too long. Python looks for signals when a function begins, behind each call, and at the end of
each turn of a loop. Here a trace function raises, at each of these places in turn.
"""

import collections.abc
import contextlib
import dis
import functools
import gc
import pathlib
import sys
import types
import typing

import pytest
from driving import URL_A, URL_B, Background, Driver, PoolClient, reply
from scripted import Network
from scripted_backend import ScriptedStream

import httpcore_pool

if typing.TYPE_CHECKING:
    from _typeshed import TraceFunction

pytestmark = [
    pytest.mark.colours(
        "blocking", reason="asyncio makes a cancellation of it, and the code is the same"
    ),
    pytest.mark.exhaustive,
    pytest.mark.timeout(300),
    pytest.mark.usefixtures("sockets"),
    # Python's word on a coroutine that was made, when the signal came, and not awaited.
    pytest.mark.filterwarnings("ignore:coroutine .* was never awaited"),
]

FOLDER = pathlib.Path(httpcore_pool.__file__).parent
# Where the books are kept, and changed.
BOOKS = tuple(
    map(str, (*(FOLDER / "_core").glob("pool*.py"), *(FOLDER / "_state").glob("*.py")))
)

# Behind these the interpreter looks whether a signal has come.
LOOKS = frozenset(
    dis.opmap[name]
    for name in ("CALL", "CALL_FUNCTION_EX", "CALL_KW", "JUMP_BACKWARD", "RESUME")
    if name in dis.opmap
)


@pytest.fixture
def sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Closes streams that nobody has any more, as Python does with sockets.

    What is about to be closed when the signal comes is in nobody's books.
    """

    def close(stream: ScriptedStream) -> None:
        stream.connection.is_open = False

    monkeypatch.setattr(ScriptedStream, "__del__", close, raising=False)


class Alarm(BaseException):
    """What the signal handler raises."""


class Interrupter:
    """Raises at one of the places where a signal handler may run.

    Args:
        step: At which, counted from 0.

    Attributes:
        steps: How many there were.
        place: Where it raised.
    """

    def __init__(self, step: int) -> None:
        self._step = step
        self.steps = 0
        self.place = "nowhere"
        # The frames that are under way, and the instruction before the next one.
        self._last: dict[types.FrameType, int] = {}

    def __enter__(self) -> typing.Self:
        # Python 3.12 looks at `settrace` whether any frame wants this.
        sys._getframe().f_trace_opcodes = True
        sys.settrace(self._enter_frame)
        return self

    def __exit__(self, *_exception: object) -> None:
        sys.settrace(None)
        self._last.clear()

    def _enter_frame(
        self, frame: types.FrameType, event: str, argument: object
    ) -> "TraceFunction | None":
        # What a finaliser raises is lost, whatever anybody does.
        if frame.f_code.co_filename not in BOOKS or _is_within_finaliser(frame):
            return None
        frame.f_trace_opcodes = True
        return self._step_on

    def _step_on(
        self, frame: types.FrameType, event: str, argument: object
    ) -> "TraceFunction | None":
        if event == "return":
            self._last.pop(frame, None)
        elif event == "opcode":
            code = frame.f_code
            if self._last.get(frame) in LOOKS:
                self.steps += 1
                if self.steps == self._step + 1:
                    self.place = f"{code.co_qualname}, before line {frame.f_lineno}"
                    raise Alarm
            self._last[frame] = code.co_code[frame.f_lasti]
        return self._step_on


def _is_within_finaliser(frame: types.FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_name == "__del__":
            return True
        frame = frame.f_back
    return False


def echo(network: Network) -> None:
    network.serve(lambda request: reply(request.target))


def assert_clean(network: Network, pool: PoolClient, place: str) -> None:
    gc.collect()
    stats = pool.face.stats()
    assert pool.is_quiet, f"{place}: {stats}"
    assert stats.opened - stats.closed == stats.idle == len(pool.face.connections), place
    for url in (URL_A, URL_B):
        # There is one place for both, so none may be lost.
        assert pool.request("GET", url, extensions={"timeout": {"pool": 1.0}}).body == b"/"
    assert pool.is_quiet
    pool.close()
    gc.collect()
    assert not network.open_connections


def each_step(scenario: collections.abc.Callable[[int], int]) -> None:
    """Runs a scenario, interrupted at each of its steps, until there are no more."""
    step = 0
    while scenario(step) > step:
        step += 1
    assert step > 20


def test_interrupted_request_leaves_nothing(driver: Driver, network: Network) -> None:
    echo(network)

    def scenario(step: int) -> int:
        pool = driver.pool(max_connections=1)
        with Interrupter(step) as interrupter, contextlib.suppress(Alarm):
            pool.request("GET", URL_A)
            # Once more over the same connection, and over one that takes its place.
            pool.request("GET", URL_A)
            pool.request("GET", URL_B)
        assert_clean(network, pool, interrupter.place)
        return interrupter.steps

    each_step(scenario)


def test_interrupted_end_of_a_response_leaves_nothing(driver: Driver, network: Network) -> None:
    echo(network)

    def scenario(step: int) -> int:
        pool = driver.pool(max_connections=1)
        responses = [pool.open("GET", URL_A)]
        with Interrupter(step) as interrupter, contextlib.suppress(Alarm):
            responses[0].close()
            pool.close()
        responses.clear()
        pool.__enter__()
        assert_clean(network, pool, interrupter.place)
        return interrupter.steps

    each_step(scenario)


@pytest.mark.parametrize("waiting", [URL_A, URL_B])
def test_who_waits_is_served_after_an_interruption(
    driver: Driver, network: Network, waiting: str
) -> None:
    echo(network)

    def scenario(step: int) -> int:
        pool = driver.pool(max_connections=1)
        responses = [pool.open("GET", URL_A)]
        other = Background(functools.partial(pool.request, "GET", waiting))
        network.until_waiting(1)
        with Interrupter(step) as interrupter, contextlib.suppress(Alarm):
            responses[0].close()
        # Not before it is dropped does nobody hold it any more.
        responses.clear()
        gc.collect()
        assert other.result().body == b"/"
        assert_clean(network, pool, interrupter.place)
        return interrupter.steps

    each_step(scenario)


def test_other_responses_survive_an_interruption(driver: Driver, network: Network) -> None:
    echo(network)

    def scenario(step: int) -> int:
        pool = driver.pool(max_connections=2)
        open_response = pool.open("GET", URL_B)
        with Interrupter(step) as interrupter, contextlib.suppress(Alarm):
            pool.open("GET", URL_A).close()
        gc.collect()
        assert pool.face.stats().requests_active == 1
        assert open_response.read() == b"/"
        gc.collect()
        assert pool.is_quiet, pool.counts
        pool.close()
        return interrupter.steps

    each_step(scenario)
