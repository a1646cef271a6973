"""The error of a base class for a method that a subclass did not write."""


def missing(instance: object, method: str) -> NotImplementedError:
    """Returns the error for a base method that a subclass did not write."""
    return NotImplementedError(f"{type(instance).__name__} does not implement {method}()")
