"""Versions, and what semantic versioning has a bump allow.

Three numbers and nothing else: there are no pre-releases here.
"""

import re
from dataclasses import dataclass
from typing import Literal

from tools.release.error import ReleaseError

Part = Literal["major", "minor", "patch"]
PARTS: tuple[Part, ...] = ("major", "minor", "patch")


@dataclass(frozen=True, order=True, slots=True)
class Version:
    """A version, such as 1.2.0."""

    major: int
    minor: int
    patch: int

    @classmethod
    def parse(cls, text: str) -> "Version":
        """Read a version of three numbers.

        Raises:
            ReleaseError: It is none.
        """
        match = re.fullmatch(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)", text, re.ASCII)
        if match is None:
            raise ReleaseError(f"{text!r} is no version of three numbers, such as 1.2.0")
        return cls(*map(int, match.groups()))

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"

    def bumped(self, part: Part) -> "Version":
        """Return the next version of that kind."""
        match part:
            case "major":
                return Version(self.major + 1, 0, 0)
            case "minor":
                return Version(self.major, self.minor + 1, 0)
            case "patch":
                return Version(self.major, self.minor, self.patch + 1)

    def least_part(self, *, breaks: bool, adds: bool) -> Part:
        """Return the smallest bump of this version that may do so to the public API.

        Before 1.0 everything moves one place down (semver.org, item 4): a minor version may
        break, a patch may add.
        """
        if breaks:
            return "major" if self.major else "minor"
        return "minor" if adds and self.major else "patch"


def is_enough(part: Part, least: Part) -> bool:
    """Return whether a bump is as large as another."""
    return PARTS.index(part) <= PARTS.index(least)
