"""Which package of the family may import which: the arrows of the architecture.

    interface <- every backend;  interface <- pool;  pool, backends <- facade

Read off the sources of every package that is there, so that a new one is held to
its place from its first day.
"""

import ast
import dataclasses
import pathlib
import re
import string
import subprocess
import sys
import tomllib
import typing

import pytest

PACKAGES = pathlib.Path(__file__).parents[1] / "packages"

# What each distribution may import of the others, by the names of their folders.
INTERFACE, POOL, FACADE = "interface", "pool", "httpcore"
BACKENDS = ("sync", "asyncio", "anyio", "trio", "mock")
ARROWS: dict[str, set[str]] = {
    INTERFACE: set(),
    POOL: {INTERFACE},
    FACADE: {INTERFACE, POOL, *BACKENDS},
    **{backend: {INTERFACE} for backend in BACKENDS},
    "conformance": {INTERFACE},
}

# What a backend may require beyond the interface: the library that it is made for.
LIBRARIES: dict[str, set[str]] = {
    "sync": set(),
    "asyncio": set(),
    "anyio": {"anyio"},
    "trio": {"trio"},
}

# The one place where the pool names backends, to use one when none is given.
DEFAULTS = "httpcore_pool/_defaults.py"

# Imported by nobody before HTTP/2 is spoken; so its modules may need what is optional.
HTTP2 = "httpcore_pool/_protocol/http2/"
# Where dependents reach past the public names of the facade.
ADDRESSES = tuple(f"httpcore/_{letter}" for letter in string.ascii_lowercase)


@dataclasses.dataclass(frozen=True)
class Import:
    """One name that a module imports.

    Args:
        module: The module that imports it, as a path within its source folder.
        name: What it imports, in full; relative imports are left out.
        is_at_top: Whether it happens when the module is imported.
        is_for_types: Whether it happens for type checkers only.
    """

    module: str
    name: str
    is_at_top: bool
    is_for_types: bool

    @property
    def root(self) -> str:
        return self.name.partition(".")[0]


class Package:
    """One distribution, read from its folder."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        [self.source] = [path for path in (folder / "src").iterdir() if path.is_dir()]
        self.import_name = self.source.name
        self.project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
        self.imports = [
            found
            for path in sorted(self.source.rglob("*.py"))
            for found in imports_of(path, path.relative_to(folder / "src").as_posix())
        ]

    def __str__(self) -> str:
        return self.folder.name

    @property
    def requirements(self) -> dict[str, str]:
        """What it requires, extras aside: name -> version range."""
        found = {}
        for requirement in self.project.get("dependencies", []):
            parts = re.fullmatch(r"([A-Za-z0-9._-]+)(.*)", requirement)
            assert parts
            found[parts[1]] = parts[2]
        return found

    @property
    def extras(self) -> dict[str, list[str]]:
        return typing.cast(
            "dict[str, list[str]]", self.project.get("optional-dependencies", {})
        )


def imports_of(path: pathlib.Path, module: str) -> list[Import]:
    tree = ast.parse(path.read_text("utf-8"), str(path))
    found: list[Import] = []

    def visit(node: ast.AST, *, is_at_top: bool, is_for_types: bool) -> None:
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        found.extend(Import(module, name, is_at_top, is_for_types) for name in names)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            is_at_top = False
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            is_at_top, is_for_types = False, True
        for child in ast.iter_child_nodes(node):
            visit(child, is_at_top=is_at_top, is_for_types=is_for_types)

    visit(tree, is_at_top=True, is_for_types=False)
    return found


ALL = [Package(path.parent) for path in sorted(PACKAGES.glob("*/pyproject.toml"))]
FOLDERS = {package.import_name: str(package) for package in ALL}
each = pytest.mark.parametrize("package", ALL, ids=str)


def of(folder: str) -> Package:
    return next(package for package in ALL if str(package) == folder)


def siblings_of(package: Package) -> list[Import]:
    return [
        found
        for found in package.imports
        if found.root in FOLDERS.keys() - {package.import_name}
    ]


def test_packages_are_found() -> None:
    assert {INTERFACE, POOL, FACADE, *LIBRARIES} <= set(map(str, ALL))
    for folder in (POOL, *LIBRARIES):
        assert siblings_of(of(folder)), folder


@each
def test_package_has_its_place_in_the_architecture(package: Package) -> None:
    assert str(package) in ARROWS


@each
def test_package_imports_siblings_along_the_arrows_only(package: Package) -> None:
    allowed = ARROWS[str(package)]
    for found in siblings_of(package):
        if found.module != DEFAULTS:
            assert FOLDERS[found.root] in allowed, f"{found.module} imports {found.name}"


@each
def test_package_imports_public_names_of_siblings_only(package: Package) -> None:
    for found in siblings_of(package):
        private = [part for part in found.name.split(".") if part.startswith("_")]
        assert not private, f"{found.module} imports {found.name}"


@each
def test_package_requires_what_it_imports(package: Package) -> None:
    required = package.requirements
    optional = {
        re.split(r"[^A-Za-z0-9._-]", requirement)[0]
        for requirements in package.extras.values()
        for requirement in requirements
    }
    for found in package.imports:
        distribution = found.root.replace("_", "-")
        is_ours = found.root == package.import_name
        if is_ours or found.is_for_types or found.root in sys.stdlib_module_names:
            continue
        where = f"{found.module} imports {found.name}"
        if found.module == DEFAULTS and FOLDERS.get(found.root) != INTERFACE:
            assert not found.is_at_top, where
        elif distribution in optional:
            # Used where it is there; a missing one is named when it is needed.
            is_on_demand = found.module.startswith((HTTP2, *ADDRESSES))
            assert not found.is_at_top or is_on_demand, where
        elif str(package) == INTERFACE:
            # Imported only where it runs already, and by the module that is for it.
            assert not found.is_at_top or found.module.endswith(f"_{found.root}_event.py"), (
                where
            )
        else:
            assert distribution in required, where


def test_http2_is_imported_when_it_is_spoken() -> None:
    program = (
        "import sys, httpcore_pool as pool\n"
        "pool.ConnectionPool(), pool.AsyncConnectionPool()\n"
        "assert not {'hpack', 'httpcore_pool._protocol.http2'} & sys.modules.keys()\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=50)


@each
def test_package_imports_what_it_requires(package: Package) -> None:
    imported = {found.root.replace("_", "-") for found in package.imports}
    assert set(package.requirements) <= imported


@each
def test_siblings_are_required_by_range(package: Package) -> None:
    ours = {typing.cast("str", other.project["name"]) for other in ALL}
    for name, versions in package.requirements.items():
        if name in ours:
            assert re.fullmatch(r">=\d+(\.\d+)*,<\d+", versions), f"{name}{versions}"


def test_pool_names_backends_in_one_module_inside_functions() -> None:
    backends = [found for found in siblings_of(of(POOL)) if FOLDERS[found.root] != INTERFACE]
    assert backends
    for found in backends:
        assert found.module == DEFAULTS
        assert not found.is_at_top


@pytest.mark.parametrize("folder", LIBRARIES)
def test_backend_needs_its_library_and_no_other(folder: str) -> None:
    backend = of(folder)
    assert set(backend.requirements) == {"httpcore-interface", *LIBRARIES[folder]}
    assert backend.extras == {}
    allowed = {"httpcore_interface", backend.import_name, *LIBRARIES[folder]}
    for found in backend.imports:
        is_allowed = found.root in allowed or found.root in sys.stdlib_module_names
        assert is_allowed or found.is_for_types, f"{found.module} imports {found.name}"


def test_interface_needs_nothing() -> None:
    assert of(INTERFACE).requirements == {}
    assert of(INTERFACE).extras == {}


def test_facade_imports_siblings_for_type_checkers_only() -> None:
    """But for the addresses of 1.x, each a module that is imported when it is asked for."""
    names = [
        found for found in siblings_of(of(FACADE)) if not found.module.startswith(ADDRESSES)
    ]
    assert names
    assert not [found for found in names if found.is_at_top]


@each
def test_package_has_the_shape_of_every_package(package: Package) -> None:
    folder = package.folder
    for name in ("README.md", "CHANGELOG.md", "LICENSE", "pyproject.toml", "tests"):
        assert (folder / name).exists(), name
    assert (package.source / "py.typed").exists()
    assert package.project["dynamic"] == ["version"]
    assert package.project["license"] == "BSD-3-Clause"
    assert package.project["requires-python"] == ">=3.11"


def test_licences_are_equal() -> None:
    root = (PACKAGES.parent / "LICENSE").read_bytes()
    for package in ALL:
        assert (package.folder / "LICENSE").read_bytes() == root, str(package)
