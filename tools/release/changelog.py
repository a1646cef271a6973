"""The text of a changelog, in the format of Keep a Changelog.

Released versions are sections `## 1.2.0 - 2030-12-31` below `## Unreleased`.
"""

import datetime
import re

from tools.release.error import ReleaseError
from tools.release.version import Version

UNRELEASED = "## Unreleased"
# The order of the kinds of change.
_KINDS = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")


def section(text: str, title: str) -> str | None:
    """Return what stands under a heading `## title ...`, or None if there is none."""
    match = re.search(rf"(?ms)^## {re.escape(title)}(?: .*?)?\n(.*?)(?=^## |\Z)", text)
    return None if match is None else match[1].strip("\n")


def has_entries(text: str) -> bool:
    """Return whether anything is listed under Unreleased."""
    return re.search(r"(?m)^[-*] ", section(text, "Unreleased") or "") is not None


def notes(text: str, version: Version) -> str:
    """Return what a version's section says.

    Raises:
        ReleaseError: There is none.
    """
    found = section(text, str(version))
    if found is None:
        raise ReleaseError(f"the changelog has no section for {version}")
    return found


def released(text: str, version: Version, today: datetime.date) -> str:
    """Return the changelog with what was unreleased under a version; Unreleased is empty then.

    Raises:
        ReleaseError: There are no entries, or the version has a section already.
    """
    if section(text, "Unreleased") is None:
        raise ReleaseError(f"the changelog has no section {UNRELEASED!r}")
    if not has_entries(text):
        raise ReleaseError("the changelog has no entries under Unreleased")
    if section(text, str(version)) is not None:
        raise ReleaseError(f"the changelog has a section for {version} already")
    return text.replace(
        f"{UNRELEASED}\n", f"{UNRELEASED}\n\n## {version} - {today.isoformat()}\n", 1
    )


def with_change(text: str, line: str) -> str:
    """Return the changelog with a line more among what changed and is unreleased."""
    unreleased = section(text, "Unreleased")
    if unreleased is None:
        raise ReleaseError(f"the changelog has no section {UNRELEASED!r}")
    entry = f"- {line}"
    if entry in unreleased.splitlines():
        return text
    kinds = {
        title: body.strip("\n")
        for title, body in re.findall(r"(?ms)^### (\w+)\n(.*?)(?=^### |\Z)", unreleased)
    }
    kinds["Changed"] = "\n".join(filter(None, [kinds.get("Changed"), entry]))
    ordered = sorted(kinds, key=lambda kind: _KINDS.index(kind) if kind in _KINDS else 99)
    body = "\n\n".join(f"### {kind}\n\n{kinds[kind]}" for kind in ordered)
    before, heading, rest = text.partition(f"{UNRELEASED}\n")
    after = rest[rest.find("\n## ") + 1 :] if "\n## " in rest else ""
    return f"{before}{heading}\n{body}\n" + (f"\n{after}" if after else "")
