"""For applications that subclass it, to guard where connections go."""

from httpcore_pool import AutoBackend as AutoBackend
