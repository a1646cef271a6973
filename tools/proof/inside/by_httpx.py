"""Sends a request by httpx: `python by_httpx.py URL VERSION`, that of our facade."""

import importlib.metadata
import sys

import httpcore


def main() -> None:
    """Fail where httpx does not run on our pool, of the version that was installed."""
    url, version = sys.argv[1:]
    # Installed where this runs, and nowhere else.
    httpx = importlib.import_module("httpx")
    with httpx.Client(http2=True) as client:
        response = client.get(url)
        pool = client._transport._pool
    # It asks for what the extra brings.
    with httpx.Client(proxy="socks5://127.0.0.1:1"):
        pass
    if response.status_code != 200:
        raise SystemExit(f"{response.status_code} came back")
    if not isinstance(pool, httpcore.ConnectionPool) or not hasattr(pool, "stats"):
        raise SystemExit(f"the pool is {type(pool)!r} of {httpcore.__file__}")
    found = importlib.metadata.version("httpcore")
    if not found == httpcore.__version__ == version:
        raise SystemExit(f"httpcore is {found}, and says {httpcore.__version__}")


if __name__ == "__main__":
    main()
