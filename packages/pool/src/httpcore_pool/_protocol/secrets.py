"""What is in no log, and in no text of an exception."""

SECRET_FIELDS = frozenset({b"authorization", b"cookie", b"proxy-authorization", b"set-cookie"})
"""The names, in lower case, of fields whose values are nobody else's business (RFC 6265;
RFC 9110, section 11)."""
