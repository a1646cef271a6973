"""What has to be in a wheel, in a source distribution and in their metadata, and nothing else.

Names and texts in, what is wrong out: a line each, none if all is well.
"""

import email
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tools.release import ranges
from tools.release.distribution import Distribution
from tools.release.version import Version

LICENCE = "BSD-3-Clause"
# What hatchling adds to a source distribution.
_MADE = ("PKG-INFO", ".gitignore")


def wheel_faults(
    names: Iterable[str], distribution: Distribution, tracked: Iterable[Path]
) -> list[str]:
    """Return what a wheel lacks, and what it should not have.

    Args:
        names: The files in it.
        distribution: Of which it is.
        tracked: The files of its folder, relative to that.
    """
    information = f"{distribution.module}-{distribution.version}.dist-info"
    source = Path("src")
    wanted = {
        path.relative_to(source).as_posix() for path in tracked if path.is_relative_to(source)
    }
    wanted |= {f"{distribution.module}/py.typed"}
    wanted |= {
        f"{information}/{name}" for name in ("METADATA", "WHEEL", "RECORD", "licenses/LICENSE")
    }
    return _differences(wanted, names)


def sdist_faults(
    names: Iterable[str], distribution: Distribution, tracked: Iterable[Path]
) -> list[str]:
    """Return what a source distribution lacks, and what it should not have: tests are in it.

    Args:
        names: The files in it.
        distribution: Of which it is.
        tracked: The files of its folder, relative to that.
    """
    top = f"{distribution.module}-{distribution.version}"
    wanted = [*(path.as_posix() for path in tracked), *_MADE]
    return _differences({f"{top}/{name}" for name in wanted}, names)


def metadata_faults(
    text: str, distribution: Distribution, ours: Mapping[str, Version]
) -> list[str]:
    """Return what is wrong with a wheel's METADATA.

    Args:
        text: The file.
        distribution: Of which it is.
        ours: The version of each member, by its name.
    """
    metadata = email.message_from_string(text)
    wanted = {
        "Name": distribution.name,
        "Version": str(distribution.version),
        "License-Expression": LICENCE,
        "License-File": "LICENSE",
        "Requires-Python": ">=3.11",
        "Description-Content-Type": "text/markdown",
    }
    faults = [
        f"{key} is {metadata[key]!r}, not {value!r}"
        for key, value in wanted.items()
        if metadata[key] != value
    ]
    needed = ("Summary", "Keywords", "Classifier", "Project-URL")
    faults += [f"no {key}" for key in needed if not metadata[key]]
    for requirement in metadata.get_all("Requires-Dist", []):
        faults += ranges.find_faults(requirement, dict(ours))
    return faults


def checksums(sums: Mapping[str, str]) -> str:
    """Return the text of a file that `sha256sum --check` reads, from digests by file name."""
    return "".join(f"{sums[name]}  {name}\n" for name in sorted(sums))


def _differences(wanted: set[str], names: Iterable[str]) -> list[str]:
    found = set(names)
    return [f"lacks {name}" for name in sorted(wanted - found)] + [
        f"has {name}, which does not belong there" for name in sorted(found - wanted)
    ]


def headline(distribution: Distribution, releases: Sequence[Version], *, is_ahead: bool) -> str:
    """Return the tag to push for a distribution that has been built, or why there is none.

    Args:
        distribution: What was built.
        releases: The versions that were tagged.
        is_ahead: Whether HEAD is another commit than that of its tag.
    """
    if distribution.version not in releases:
        return f"git tag {distribution.tag} && git push origin {distribution.tag}"
    if is_ahead:
        return f"{distribution.tag} is of another commit: bump {distribution} before a release"
    return f"git push origin {distribution.tag}"
