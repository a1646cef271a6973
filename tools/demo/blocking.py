"""Cases of blocking code."""

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


def send_blocking(case: Case, site: Site, report: Report) -> None:
    """Send every step through one `ConnectionPool`."""
    context = site.server.make_context() if case.tls else None
    backend = httpcore.SyncBackend()
    with httpcore.ConnectionPool(
        ssl_context=context,
        network_backend=backend,
        proxy=case.make_proxy(site),
        http1=case.is_http1,
        http2=case.is_http2,
    ) as pool:
        for step in case.steps:
            times = Timeline()
            status, received, failure = None, 0, None
            try:
                with pool.stream(
                    step.method,
                    case.make_url(site, step),
                    content=step.content,
                    extensions={"trace": times.trace, "timeout": make_timeouts()},
                ) as response:
                    status = response.status
                    for chunk in response.iter_stream():
                        received += len(chunk)
                times.end()
                failure = find_failure(case, step, response, received)
            except Exception as exc:
                failure = describe(exc)
            report(Outcome(step, status, received, times, failure))
