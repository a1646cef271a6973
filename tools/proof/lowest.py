"""The lowest versions that are declared, of everything at once."""

from pathlib import Path

from tools.proof.alone import import_all
from tools.proof.environment import Environment
from tools.proof.server import Servers
from tools.proof.together import ALL_REQUESTS, send
from tools.proof.wheels import Wheels


def prove_lowest(wheels: Wheels, servers: Servers, folder: Path) -> str:
    """Install all wheels with the lowest of what they require, and use them."""
    environment = Environment(folder)
    requirements = [wheel.complete for wheel in wheels.by_name.values()]
    # Named here, they are direct, and taken as low as they are declared.
    requirements += wheels.foreign_requirements()
    environment.install(requirements, "", "--resolution", "lowest-direct")
    for wheel in wheels.by_name.values():
        import_all(environment, wheel)
    return send(ALL_REQUESTS, environment, servers)
