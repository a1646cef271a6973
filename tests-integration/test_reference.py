"""Every public name is documented, as the reference shows it.

Public is what `__all__` of a distribution lists: functions and classes, and of a class what
has no underscore in front. What overrides a documented method without a docstring of its own
has that one's. The checks of the conformance kit are left out: their names are sentences.
"""

import ast
import collections.abc
import importlib
import inspect
import re
import textwrap
import types
import typing

import pytest

import httpcore_interface

# The facade has no names of its own, and hands out those of the others.
MODULES = [
    "httpcore_anyio",
    "httpcore_asyncio",
    "httpcore_conformance",
    "httpcore_interface",
    "httpcore_interface.scoped",
    "httpcore_mock",
    "httpcore_pool",
    "httpcore_sync",
    "httpcore_trio",
]
CHECKS = "httpcore_conformance._checks"
SECTION = r"(?m)^%s:\n((?: {4}.*\n|\n)*)"
# What has so many parameters lists them; with less, a sentence may be enough.
MANY = 3


def public_values() -> dict[str, object]:
    """What is public, by where it is found; not aliases of types and numbers."""
    found: dict[str, object] = {}
    for module in map(importlib.import_module, MODULES):
        for name in module.__all__:
            value = getattr(module, name)
            if isinstance(value, type | types.FunctionType):
                found[f"{module.__name__}.{name}"] = value
    return found


VALUES = public_values()
CLASSES = {name: value for name, value in VALUES.items() if isinstance(value, type)}


def is_ours(value: type | types.FunctionType) -> bool:
    # The facade takes what it hands out for its own.
    return value.__module__.partition(".")[0] in {"httpcore", *MODULES}


def members_of(cls: type) -> dict[str, object]:
    """The public members that are our doing, as they stand in the classes."""
    members: dict[str, object] = {}
    for base in filter(is_ours, cls.__mro__):
        if not base.__module__.startswith(CHECKS):
            for name, value in vars(base).items():
                members.setdefault(name, value)
    return {name: value for name, value in members.items() if not name.startswith("_")}


def function_of(value: object) -> types.FunctionType | None:
    found = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
    return found if isinstance(found, types.FunctionType) else None


class Documented(typing.NamedTuple):
    """A function, and the docstring that tells of it; a class's tells of its constructor."""

    function: types.FunctionType
    docstring: str


def functions() -> dict[str, Documented]:
    found: dict[str, Documented] = {}
    for name, value in VALUES.items():
        if isinstance(value, types.FunctionType):
            found[name] = Documented(value, inspect.getdoc(value) or "")
            continue
        assert isinstance(value, type)
        for member, attribute in members_of(value).items():
            if function := function_of(attribute):
                docstring = inspect.getdoc(getattr(value, member)) or ""
                found[f"{name}.{member}"] = Documented(function, docstring)
        init = inspect.getattr_static(value, "__init__")
        if isinstance(init, types.FunctionType) and is_ours(init):
            found[f"{name}()"] = Documented(init, inspect.getdoc(value) or "")
    return found


FUNCTIONS = functions()


def section_of(docstring: str, title: str) -> str:
    found = re.search(SECTION % title, docstring + "\n")
    return textwrap.dedent(found[1]) if found else ""


def entries_of(docstring: str, title: str) -> set[str]:
    """What the entries of a section are about: a and b, of `a, b: What they are.`"""
    heads = re.findall(r"(?m)^(\S[^:]*(?:\n [^:]*)*):\s", section_of(docstring, title))
    return {name.strip(" *`\n") for head in heads for name in head.split(",")}


def parameters_of(function: types.FunctionType) -> set[str]:
    names = list(inspect.signature(function).parameters)
    return {name for name in names if name not in ("self", "cls") and name[0] != "_"}


def attributes_of(cls: type) -> set[str]:
    """The public attributes of its instances: annotated, in slots, or set when it is made."""
    found: set[str] = set()
    for base in filter(is_ours, cls.__mro__):
        slots = vars(base).get("__slots__", ())
        assert not isinstance(slots, str)
        found.update(inspect.get_annotations(base), slots)
        init = vars(base).get("__init__")
        if isinstance(init, types.FunctionType):
            found.update(re.findall(r"(?m)^\s+self\.(\w+)(?:: [^=\n]+)? = ", source_of(init)))
    return {name for name in found - set(members_of(cls)) if not name.startswith("_")}


def source_of(function: types.FunctionType) -> str:
    """Its source; nothing if it was made by a dataclass."""
    if function.__code__.co_filename == "<string>":
        return ""
    return textwrap.dedent(inspect.getsource(function))


def raised_by(function: types.FunctionType) -> set[str]:
    """The exceptions that stand behind `raise` in its source."""
    tree = ast.parse(source_of(function))
    raised = [node.exc for node in ast.walk(tree) if isinstance(node, ast.Raise)]
    called = [exc.func if isinstance(exc, ast.Call) else exc for exc in raised if exc]
    names = {node.id for node in called if isinstance(node, ast.Name)}
    # What is small is a variable, or a function that makes one.
    return {name for name in names if name[0].isupper()} - {"NotImplementedError"}


# By the name of the method.
CONTRACT = {
    name: parameters_of(method)
    for base in (httpcore_interface.NetworkBackend, httpcore_interface.NetworkStream)
    for name, method in vars(base).items()
    if isinstance(method, types.FunctionType)
}


def begins_with_sentence(documented: Documented) -> bool:
    summary, _, _ = documented.docstring.partition("\n\n")
    return re.fullmatch(r"(?s)[A-Z`].*[.?:]", summary) is not None


def lists_parameters(documented: Documented) -> bool:
    """Whether all stand under Args: those of a record may be Attributes."""
    function, docstring = documented
    listed = entries_of(docstring, "Args") or entries_of(docstring, "Attributes")
    if listed:
        return parameters_of(function) <= listed
    return len(parameters_of(function)) < MANY or is_told_elsewhere(documented)


def is_told_elsewhere(documented: Documented) -> bool:
    """Whether it keeps the contract of all backends, or says whose parameters it has."""
    function, docstring = documented
    if parameters_of(function) == CONTRACT.get(function.__name__):
        return True
    return re.search(r"Args (and errors )?are those of `[\w.]+`", docstring) is not None


def lists_nothing_else(documented: Documented) -> bool:
    function, docstring = documented
    return entries_of(docstring, "Args") <= parameters_of(function)


def tells_what_it_raises(documented: Documented) -> bool:
    function, docstring = documented
    told = section_of(docstring, "Raises")
    return all(name in told for name in raised_by(function))


def undocumented_attributes(cls: type) -> set[str]:
    """Those that no class which it is made of tells of."""
    docstrings = [inspect.cleandoc(base.__doc__ or "") for base in cls.__mro__]
    titles = ("Args", "Attributes")
    listed = [entries_of(text, title) for text in docstrings for title in titles]
    return attributes_of(cls).difference(*listed)


def test_names_have_docstrings_of_their_own() -> None:
    def has_own(name: str, value: object) -> bool:
        docstring = vars(value).get("__doc__") if isinstance(value, type) else value.__doc__
        # One that begins so is made by a dataclass.
        made = f"{name.rpartition('.')[2]}("
        return isinstance(docstring, str) and not docstring.startswith(made)

    assert [name for name, value in VALUES.items() if not has_own(name, value)] == []


@pytest.mark.parametrize(
    "check",
    [
        begins_with_sentence,
        lists_parameters,
        lists_nothing_else,
        tells_what_it_raises,
    ],
)
def test_functions_are_documented(check: collections.abc.Callable[[Documented], bool]) -> None:
    assert [name for name, documented in FUNCTIONS.items() if not check(documented)] == []


def test_attributes_are_documented() -> None:
    found = {name: undocumented_attributes(cls) for name, cls in CLASSES.items()}
    assert {name: attributes for name, attributes in found.items() if attributes} == {}
