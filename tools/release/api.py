"""The public API of a source tree, and what another breaks of it, as griffe reads them.

Nothing is imported: an old release is read without its requirements.
"""

from dataclasses import dataclass
from pathlib import Path

import griffe


@dataclass(frozen=True, slots=True)
class Changes:
    """What became of a public API.

    Args:
        breaks: What users may have to change for, a line each.
        added: Public names of the package that are new.
    """

    breaks: tuple[str, ...] = ()
    added: frozenset[str] = frozenset()


def compare(module: str, old: Path, new: Path) -> Changes:
    """Compare a package of two source folders."""
    before, after = _load(module, old), _load(module, new)
    breaks = {_describe(breakage) for breakage in griffe.find_breaking_changes(before, after)}
    added = public_names(after) - public_names(before)
    return Changes(tuple(sorted(breaks)), frozenset(added))


def public_names(package: griffe.Module) -> set[str]:
    """Return the names that a package has for its users."""
    return {str(name) for name in package.exports or ()}


def _load(module: str, source: Path) -> griffe.Module:
    package = griffe.load(
        module, search_paths=[source], resolve_aliases=True, allow_inspection=False
    )
    assert isinstance(package, griffe.Module)
    if not package.exports:
        # The facade computes `__all__`. What it has is what it imports for type checkers.
        package.exports = [
            name
            for name, member in package.members.items()
            if member.is_alias and not name.startswith("_")
        ]
    return package


def _describe(breakage: griffe.Breakage) -> str:
    path = breakage.obj.canonical_path if not breakage.obj.is_alias else breakage.obj.path
    what = breakage.kind.value.lower()
    details = _details(breakage)
    return f"{path}{details}: {what}"


def _details(breakage: griffe.Breakage) -> str:
    values = [breakage.old_value, breakage.new_value]
    names = [value.name for value in values if isinstance(value, griffe.Parameter)]
    return f"({names[0]})" if names else ""
