"""Which names of a module some source imports."""

import ast
from collections.abc import Iterable


def imported_names(sources: Iterable[str], module: str) -> set[str]:
    """Return the names that are imported from a module, or read from it as attributes."""
    found: set[str] = set()
    for source in sources:
        for node in ast.walk(ast.parse(source)):
            match node:
                case ast.ImportFrom(module=name, level=0) if name == module:
                    found.update(alias.name for alias in node.names)
                case ast.Attribute(value=ast.Name(id=name)) if name == module:
                    found.add(node.attr)
    return found
