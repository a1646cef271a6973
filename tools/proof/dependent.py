"""`pip install httpx[http2,socks]` beside our wheels: these are what httpx then runs on."""

from pathlib import Path

from tools.proof.environment import Environment
from tools.proof.server import Servers
from tools.proof.wheels import Wheels

# The release whose requirement of httpcore is met, as `tests-integration/ecosystem` has it.
HTTPX = "httpx[http2,socks]==0.28.*"


def prove_dependent(wheels: Wheels, servers: Servers, folder: Path) -> str:
    """Install httpx as its users do, by pip, and send a request by it."""
    environment = Environment(folder)
    environment.install(["pip"], "")
    pip = ("-m", "pip", "--quiet", "--disable-pip-version-check")
    environment.run(*pip, "install", "--find-links", str(wheels.folder), HTTPX)
    environment.run(*pip, "check")
    facade = wheels["httpcore"].path.name.split("-")[1]
    environment.run_inside("by_httpx", f"{servers.http1.plain_url}/small", facade)
    return "1 request by httpx"
