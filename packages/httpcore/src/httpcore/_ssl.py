"""For programs that took the default TLS context from here."""

from httpcore import default_ssl_context as default_ssl_context
