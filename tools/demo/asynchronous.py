"""Cases of async code: a backend, and what runs it."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass

import trio

import httpcore
from tools.demo.exchange import (
    Case,
    Outcome,
    Report,
    Site,
    describe,
    find_failure,
    make_timeouts,
)
from tools.demo.timeline import Timeline

Main = Callable[[], Coroutine[object, object, None]]


@dataclass(frozen=True, slots=True)
class SendAsync:
    """Sends every step through one `AsyncConnectionPool`.

    Args:
        make_backend: Makes the network backend.
        run: Runs an async function to its end.
    """

    make_backend: Callable[[], httpcore.AsyncNetworkBackend]
    run: Callable[[Main], None]

    def __call__(self, case: Case, site: Site, report: Report) -> None:
        """Run an event loop that sends the steps."""
        self.run(lambda: self._send(case, site, report))

    async def _send(self, case: Case, site: Site, report: Report) -> None:
        context = site.server.make_context() if case.tls else None
        async with httpcore.AsyncConnectionPool(
            ssl_context=context,
            network_backend=self.make_backend(),
            proxy=case.make_proxy(site),
            http1=case.is_http1,
            http2=case.is_http2,
        ) as pool:
            for step in case.steps:
                times = Timeline()
                status, received, failure = None, 0, None
                try:
                    async with pool.stream(
                        step.method,
                        case.make_url(site, step),
                        content=step.content,
                        extensions={"trace": times.atrace, "timeout": make_timeouts()},
                    ) as response:
                        status = response.status
                        async for chunk in response.aiter_stream():
                            received += len(chunk)
                    times.end()
                    failure = find_failure(case, step, response, received)
                except Exception as exc:
                    failure = describe(exc)
                report(Outcome(step, status, received, times, failure))


def run_asyncio(main: Main) -> None:
    """Run an async function on asyncio."""
    asyncio.run(main())


def run_uvloop(main: Main) -> None:
    """Run an async function on uvloop, asyncio's interface on another loop."""
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())


def run_trio(main: Main) -> None:
    """Run an async function on trio."""
    trio.run(main)
