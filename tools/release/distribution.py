"""The distributions of this repository, as their files tell."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.release.error import ReleaseError
from tools.release.version import Version

_VERSION = re.compile(r'(?m)^__version__ = "([^"]*)"$')


@dataclass(frozen=True, slots=True)
class Distribution:
    """One distribution.

    Args:
        folder: Where it lives, relative to the root.
        name: Its name, such as httpcore-pool.
        module: The package that it installs, such as httpcore_pool.
        version: Its `__version__`.
        pyproject: The text of its pyproject.toml.
        changelog: That of its changelog.
        init: That of its `__init__.py`.
    """

    folder: Path
    name: str
    module: str
    version: Version
    pyproject: str
    changelog: str
    init: str

    def __str__(self) -> str:
        return self.folder.name

    @property
    def init_path(self) -> Path:
        """Where the version is written."""
        return self.folder / "src" / self.module / "__init__.py"

    @property
    def tag(self) -> str:
        """The tag of its version."""
        return self.tag_of(self.version)

    def tag_of(self, version: Version) -> str:
        """Return the tag of a version."""
        return f"{self.name}-v{version}"

    def version_of(self, tag: str) -> Version | None:
        """Return the version that a tag of this distribution names; None for any other."""
        name, _, text = tag.rpartition("-v")
        if name != self.name:
            return None
        try:
            return Version.parse(text)
        except ReleaseError:
            return None


def read_distributions(root: Path) -> dict[str, Distribution]:
    """Return every distribution by its name."""
    found = [
        _read(path.parent.relative_to(root), root)
        for path in sorted(root.glob("packages/*/pyproject.toml"))
    ]
    return {distribution.name: distribution for distribution in found}


def find(distributions: Mapping[str, Distribution], text: str) -> Distribution:
    """Return the one that goes by that name, or whose folder does.

    Raises:
        ReleaseError: There is none.
    """
    for distribution in distributions.values():
        if text in (distribution.name, str(distribution)):
            return distribution
    known = ", ".join(map(str, distributions.values()))
    raise ReleaseError(f"there is no distribution {text!r}, only {known}")


def find_tagged(distributions: Mapping[str, Distribution], tag: str) -> Distribution:
    """Return the one whose version a tag names.

    Raises:
        ReleaseError: The tag is not of the form, or its version is not the one in the source.
    """
    for distribution in distributions.values():
        version = distribution.version_of(tag)
        if version is None:
            continue
        if version != distribution.version:
            raise ReleaseError(
                f"the tag {tag} is not the version of {distribution.name}, "
                f"which is {distribution.version}"
            )
        return distribution
    raise ReleaseError(f"the tag {tag!r} is not of the form DISTRIBUTION-vVERSION")


def with_version(init: str, version: Version) -> str:
    """Return the text of an `__init__.py` with another version."""
    return _VERSION.sub(f'__version__ = "{version}"', init)


def _read(folder: Path, root: Path) -> Distribution:
    pyproject = (root / folder / "pyproject.toml").read_text("utf-8")
    settings = tomllib.loads(pyproject)
    init = (root / folder / settings["tool"]["hatch"]["version"]["path"]).read_text("utf-8")
    match = _VERSION.search(init)
    if match is None:
        raise ReleaseError(f"{folder}: no line says __version__ = ...")
    return Distribution(
        folder=folder,
        name=settings["project"]["name"],
        module=Path(settings["tool"]["hatch"]["version"]["path"]).parent.name,
        version=Version.parse(match[1]),
        pyproject=pyproject,
        changelog=(root / folder / "CHANGELOG.md").read_text("utf-8"),
        init=init,
    )
