"""Whose tests there are, what they need, and what of them is left out.

To add one: an entry in PROJECTS. Both environments of a project have all that it needs,
and differ in httpcore only.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

RIVAL = "1.0.9"
"""The release of httpcore 1.x that ours is held against."""

_ALWAYS = ("pytest", "pytest-timeout", "pytest-xdist")


@dataclass(frozen=True, slots=True)
class Project:
    """Something that is built on httpcore 1.x.

    Args:
        name: As it stands on the package index, and in the table.
        version: Whose tests are run.
        needs: What they need besides the project; None: its source distribution has no
            tests.
        extras: What of the project they need.
        paths: What is run, within the source distribution.
        forks: Whether they fork servers, which a process with threads must not.
        left_out: Tests, or files of them, that are not run: by their ids, why.
        variables: What is set in the environment of a run.
    """

    name: str
    version: str
    needs: tuple[str, ...] | None = None
    extras: tuple[str, ...] = ()
    paths: tuple[str, ...] = ("tests",)
    forks: bool = False
    left_out: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def requirements(self) -> list[str]:
        """What is installed for its tests; httpcore itself comes on top of that."""
        assert self.needs is not None
        own = [] if self.name == "httpcore" else [f"{self._with_extras}=={self.version}"]
        return [*own, *self.needs, *_ALWAYS]

    @property
    def _with_extras(self) -> str:
        return f"{self.name}[{','.join(self.extras)}]" if self.extras else self.name


PROJECTS = (
    Project(
        "httpcore",
        RIVAL,
        needs=("anyio", "hpack", "hyperframe", "pytest-httpbin", "pytest-trio"),
    ),
    Project(
        "httpx",
        "0.28.1",
        needs=("chardet", "cryptography", "pytest-trio", "trustme", "uvicorn"),
        extras=("brotli", "cli", "http2", "socks", "zstd"),
    ),
    Project("respx", "0.23.1"),
    Project(
        "vcrpy",
        "9.4.2",
        needs=("httpx[http2]", "pytest-asyncio", "pytest-httpbin", "requests"),
        # The files that have anything to do with httpcore; the others patch other clients.
        paths=(
            "tests/integration/test_httpx.py",
            "tests/integration/test_httpx_stream_cleanup.py",
            "tests/unit",
        ),
    ),
    Project(
        "httpx-ws",
        "0.9.0",
        needs=("starlette", "trio", "uvicorn[standard]"),
    ),
    Project(
        "httpx-socks",
        "0.13.1",
        needs=(
            *("hypercorn", "pytest-asyncio", "pytest-trio", "starlette", "tiny-proxy"),
            *("trustme", "yarl"),
        ),
        extras=("anyio", "trio"),
        forks=True,
    ),
    Project("hishel", "0.1.5"),
    Project("pytest-httpx", "0.36.2", needs=("pytest-asyncio",)),
    Project(
        "openai",
        # The last release on httpx; its successors are on another.
        "2.54.0",
        needs=(
            *("dirty-equals", "inline-snapshot", "jsonschema", "nest_asyncio", "respx"),
            *("pytest-asyncio", "rich", "time-machine", "trio"),
        ),
        extras=("realtime",),
        left_out={"tests/api_resources": "needs a mock server that is not on the index"},
    ),
    Project("dnspython", "2.7.0", needs=("quart-trio",), extras=("dnssec", "doh", "trio")),
)


def choose_projects(names: list[str]) -> tuple[Project, ...]:
    """Return the named projects; all of them for none.

    Raises:
        ValueError: No project has one of the names.
    """
    by_name = {project.name: project for project in PROJECTS}
    for name in names:
        if name not in by_name:
            raise ValueError(f"no project {name!r}; there are {', '.join(by_name)}")
    return tuple(by_name[name] for name in names) or PROJECTS
