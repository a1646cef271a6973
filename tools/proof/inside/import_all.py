"""Imports every module of a package: `python import_all.py PACKAGE [MISSING ...]`.

A module may fail for want of a package that is named as missing, and for nothing else.
"""

import importlib
import sys
from collections.abc import Iterable
from pathlib import Path


def module_names(package: str) -> Iterable[str]:
    """Return the names of all modules of a package that is installed here."""
    [folder, *_] = importlib.import_module(package).__path__
    if not Path(folder).is_relative_to(sys.prefix):
        raise SystemExit(f"{package} is not installed here but in {folder}")
    for path in sorted(Path(folder).rglob("*.py")):
        parts = path.relative_to(Path(folder).parent).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def missed_module(exc: BaseException | None) -> str | None:
    """Return the package for want of which an import failed, at first or in the end."""
    while exc is not None:
        if isinstance(exc, ModuleNotFoundError) and exc.name:
            return exc.name.partition(".")[0]
        exc = exc.__cause__
    return None


def main() -> None:
    """Import them, and print how many there are."""
    package, *allowed = sys.argv[1:]
    count = 0
    for name in module_names(package):
        try:
            importlib.import_module(name)
        except ImportError as exc:
            if missed_module(exc) not in allowed:
                raise
        count += 1
    print(f"{count} modules")


if __name__ == "__main__":
    main()
