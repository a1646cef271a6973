"""The public surface of the installed httpcore, as JSON: `python -m tools.surface`.

Names, the parameters and defaults of what is called, the bases of exceptions. It needs nothing
but an httpcore, so that it runs on 1.x as well:

    hatch run peer-httpcore1:python -m tools.surface > tests-integration/surface_1_0_9.json
"""

import inspect
import json

import httpcore


def describe_call(function: object) -> list[str]:
    """Return the parameters of a callable, one string for each."""
    assert callable(function)
    found = []
    for parameter in inspect.signature(function).parameters.values():
        mark = {"KEYWORD_ONLY": "*, ", "VAR_POSITIONAL": "*", "VAR_KEYWORD": "**"}
        default = parameter.default
        shown = "" if default is inspect.Parameter.empty else f"={default!r}"
        found.append(f"{mark.get(parameter.kind.name, '')}{parameter.name}{shown}")
    return found


def describe_class(kind: type) -> dict[str, object]:
    """Return what there is to see of a class."""
    facts: dict[str, object] = {"module": kind.__module__}
    if issubclass(kind, BaseException):
        return facts | {"bases": [base.__name__ for base in kind.__bases__]}
    facts["parameters"] = describe_call(kind)
    for name in dir(kind):
        if not name.startswith("_"):
            member = inspect.getattr_static(kind, name)
            is_call = inspect.isfunction(member)
            is_coroutine = inspect.iscoroutinefunction(member)
            facts[f".{name}"] = [is_coroutine, *describe_call(member)] if is_call else "value"
    return facts


def describe(value: object) -> object:
    """Return what there is to see of a name's value."""
    if isinstance(value, type):
        return describe_class(value)
    return describe_call(value) if inspect.isfunction(value) else "value"


def main() -> None:
    """Print the surface."""
    names = sorted(name for name in httpcore.__all__ if not name.startswith("_"))
    surface = {name: describe(getattr(httpcore, name)) for name in names}
    for name in ("AnyIOBackend", "TrioBackend"):
        surface[name] = describe(getattr(httpcore, name))
    print(json.dumps(surface, indent=1, sort_keys=True))


if __name__ == "__main__":
    main()
