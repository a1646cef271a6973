"""For programs and patches that took the functions from here."""

from httpcore import request as request
from httpcore import stream as stream
