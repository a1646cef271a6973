"""Sends real requests: `python request.py SETTINGS`, a JSON object of `tools.proof.request`."""

import importlib
import json
import ssl
import sys
from typing import Protocol


class Response(Protocol):
    """What the pool and the facade return."""

    status: int
    content: bytes
    extensions: dict[str, bytes]


def check(response: Response, settings: dict[str, str]) -> None:
    """Fail where a response is not the expected one."""
    version = response.extensions["http_version"].decode()
    found = (response.status, len(response.content), version)
    wanted = (200, int(settings["size"]), settings["version"])
    if found != wanted:
        raise SystemExit(f"{found} came back, not {wanted}")


def main() -> None:
    """Send a request to each URL, on the event loop that is asked for."""
    settings = json.loads(sys.argv[1])
    module = importlib.import_module(settings["module"])
    is_http2 = settings["version"] == "HTTP/2"
    context = ssl.create_default_context(cafile=settings["authority"])

    def options(url: str) -> dict[str, object]:
        made: dict[str, object] = {"ssl_context": context, "http2": is_http2}
        # In the clear it has to be known that the server speaks HTTP/2.
        made["http1"] = url.startswith("https:") or not is_http2
        if settings["proxy"]:
            made["proxy"] = module.Proxy(settings["proxy"])
        if settings["backend"]:
            home, _, name = settings["backend"].partition(":")
            made["network_backend"] = getattr(importlib.import_module(home), name)()
        return made

    async def send() -> None:
        for url in settings["urls"]:
            async with module.AsyncConnectionPool(**options(url)) as pool:
                check(await pool.request("GET", url), settings)

    match settings["loop"]:
        case "blocking":
            for url in settings["urls"]:
                with module.ConnectionPool(**options(url)) as pool:
                    check(pool.request("GET", url), settings)
        case "asyncio":
            importlib.import_module("asyncio").run(send())
        case "trio":
            importlib.import_module("trio").run(send)


if __name__ == "__main__":
    main()
