"""The error of everything here."""


class ReleaseError(Exception):
    """Something cannot or must not be done; the message says why, if possible in one line."""
