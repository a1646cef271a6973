"""The blocking network backend."""

__version__ = "0.1.0"
