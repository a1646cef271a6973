"""The error of everything here."""


class Refused(Exception):
    """Something cannot be done, for the reason that the message gives in one line."""
