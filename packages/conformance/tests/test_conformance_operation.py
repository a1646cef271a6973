import asyncio
import collections.abc
import re
import threading
import time

import pytest
import trio

from httpcore_conformance import AsyncioRunner, Operation, TrioRunner
from httpcore_conformance._runner import Runner, ThreadRunner

Callback = collections.abc.Callable[[], object]


@pytest.fixture(params=["threads", "asyncio", "trio"])
def runner(request: pytest.FixtureRequest):  # type: ignore[no-untyped-def]  # a generator
    kinds = {"threads": ThreadRunner, "asyncio": AsyncioRunner, "trio": TrioRunner}
    runner = kinds[str(request.param)]()
    runner.patience = 0.2
    yield runner
    runner.stop()


def fail() -> int:
    raise OSError("bang")


def test_a_call_returns_what_it_returns(runner: Runner) -> None:
    assert runner.run("answer()", lambda: 42) == 42


def test_a_call_raises_what_it_raises(runner: Runner) -> None:
    with pytest.raises(OSError, match="bang"):
        runner.run("fail()", fail)


def test_a_call_that_does_not_end_fails(runner: Runner) -> None:
    event = threading.Event()
    operation = runner.begin("wait()", event.wait)
    with pytest.raises(AssertionError, match=r"wait\(\) has not come to its end within 0\.2"):
        operation.result()
    assert not operation.ends_within(0)
    event.set()
    assert operation.result() is True


def test_the_expected_exception_is_returned(runner: Runner) -> None:
    error = runner.begin("fail()", fail).raised(LookupError, OSError)
    assert str(error) == "bang"


def test_another_exception_than_the_expected_one_is_a_failure(runner: Runner) -> None:
    message = "fail() raised OSError, not LookupError or ValueError: bang"
    with pytest.raises(AssertionError, match=re.escape(message)) as caught:
        runner.begin("fail()", fail).raised(LookupError, ValueError)
    assert isinstance(caught.value.__cause__, OSError)


@pytest.mark.parametrize("value", [42, "x" * 1000])
def test_no_exception_where_one_was_expected_is_a_failure(
    runner: Runner, value: object
) -> None:
    with pytest.raises(AssertionError, match=r"answer\(\) returned .{2,103}, and did not"):
        runner.begin("answer()", lambda: value).raised(OSError)


def test_the_outcome_is_either(runner: Runner) -> None:
    assert runner.begin("answer()", lambda: 42).outcome() == 42
    assert isinstance(runner.begin("fail()", fail).outcome(), OSError)


def test_the_seconds_are_those_of_the_call(runner: Runner) -> None:
    operation: Operation[None] = runner.begin("sleep()", lambda: time.sleep(0.05))
    assert 0.04 < operation.seconds < 1


def test_a_failure_of_the_call_is_told_before_that_of_the_peer(runner: Runner) -> None:
    operation = runner.begin("fail()", fail)
    operation.wait_over()
    with pytest.raises(OSError, match="bang"), operation:
        raise AssertionError("nothing came")


def test_a_failure_of_the_peer_is_told_when_the_call_is_well(runner: Runner) -> None:
    operation = runner.begin("answer()", lambda: 42)
    operation.wait_over()
    with pytest.raises(AssertionError, match="nothing came"), operation:
        raise AssertionError("nothing came")


def test_a_call_has_to_succeed_in_its_block(runner: Runner) -> None:
    with pytest.raises(OSError, match="bang"), runner.begin("fail()", fail):
        pass


def test_a_call_that_waits_looks_blocked_and_one_that_works_does_not() -> None:
    runner = ThreadRunner()
    event = threading.Event()
    waiting = runner.begin("wait()", event.wait)
    waiting.wait_blocked()
    assert not waiting.ends_within(0)
    event.set()
    # It is over, which will do as well.
    waiting.wait_over()
    waiting.wait_blocked()


def test_a_call_that_looks_again_and_again_has_its_time(runner: Runner) -> None:
    runner.patience = 30
    is_over = threading.Event()

    async def look() -> None:
        # Such a loop is what this is about.
        while not is_over.is_set():  # noqa: ASYNC110
            await asyncio.sleep(0)

    def look_blocking() -> None:
        while not is_over.wait(0.0001):
            pass

    async def look_on_trio() -> None:
        while not is_over.is_set():
            await trio.lowlevel.checkpoint()

    calls = {ThreadRunner: look_blocking, AsyncioRunner: look, TrioRunner: look_on_trio}
    operation: Operation[None] = runner.begin("look()", calls[type(runner)])
    began = time.monotonic()
    operation.wait_blocked()
    assert time.monotonic() - began < 10
    assert not operation.ends_within(0)
    is_over.set()
    operation.result()


def test_a_loop_that_is_stopped_before_it_has_begun_ends() -> None:
    is_told = threading.Event()
    loop = asyncio.new_event_loop()

    class Late(AsyncioRunner):
        def _run(self) -> None:
            assert is_told.wait(self.patience)
            super()._run()

    runner = Late(lambda: loop)
    call_soon = loop.call_soon_threadsafe

    def tell(callback: Callback, *, context: None = None) -> asyncio.Handle:
        handle = call_soon(callback, context=context)
        is_told.set()
        return handle

    # Of this loop alone, and as narrow as what is called here.
    loop.call_soon_threadsafe = tell  # type: ignore[assignment, method-assign]
    runner.stop()
    assert loop.is_closed()
    assert not runner.complaints()
