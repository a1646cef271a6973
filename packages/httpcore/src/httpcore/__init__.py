"""The facade."""

__version__ = "1.1.0"
