"""The wheels to prove, and what they declare."""

import email
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

from tools.release.build import read_metadata


@dataclass(frozen=True, slots=True)
class Wheel:
    """One wheel of ours.

    Args:
        path: The file.
        name: Its distribution.
        requires: Its requirements, those of extras with their markers.
        extras: The names of its extras.
    """

    path: Path
    name: str
    requires: tuple[Requirement, ...]
    extras: tuple[str, ...]

    @property
    def module(self) -> str:
        """The package in it."""
        return self.name.replace("-", "_")

    def with_extras(self, *extras: str) -> str:
        """Return the requirement of this very file."""
        return f"{self.name}[{','.join(extras)}] @ {self.path.resolve().as_uri()}"

    @property
    def complete(self) -> str:
        """The requirement of this very file with all that it can use."""
        return self.with_extras(*self.extras)

    @property
    def optional_modules(self) -> set[str]:
        """What only its extras bring, as it is imported."""
        optional = {one.name for one in self.requires if one.marker is not None}
        always = {one.name for one in self.requires if one.marker is None}
        return {name.replace("-", "_") for name in optional - always}


@dataclass(frozen=True, slots=True)
class Wheels:
    """All of ours.

    Args:
        folder: Where they are.
        by_name: Each by its distribution.
    """

    folder: Path
    by_name: Mapping[str, Wheel]

    def __getitem__(self, name: str) -> Wheel:
        return self.by_name[name]

    def constraints(self, but: Iterable[str] = ()) -> str:
        """Return constraints that let these files in, and no others of their names.

        An index may have distributions of the same names.
        """
        left_out = set(but)
        return "".join(
            f"{wheel.name} @ {wheel.path.resolve().as_uri()}\n"
            for wheel in self.by_name.values()
            if wheel.name not in left_out
        )

    def foreign_requirements(self) -> list[str]:
        """Return what they require of others, extras included, without their markers."""
        return sorted(
            {
                f"{one.name}{one.specifier}"
                for wheel in self.by_name.values()
                for one in wheel.requires
                if canonicalize_name(one.name) not in self.by_name
            }
        )


def read_wheels(folder: Path) -> Wheels:
    """Return the wheels in a folder."""
    return Wheels(folder, {wheel.name: wheel for wheel in map(_read, folder.glob("*.whl"))})


def _read(path: Path) -> Wheel:
    metadata = email.message_from_string(read_metadata(path))
    name, *_ = parse_wheel_filename(path.name)
    return Wheel(
        path,
        name,
        tuple(map(Requirement, metadata.get_all("Requires-Dist", []))),
        tuple(metadata.get_all("Provides-Extra", [])),
    )
