"""One certificate authority of our own, and a certificate for this host."""

import pathlib
import ssl

import trustme


class Authority:
    """Signs the one server certificate that every peer uses.

    It is good for localhost, 127.0.0.1 and ::1, and for the names that the documentation
    asks for.
    """

    def __init__(self, folder: pathlib.Path) -> None:
        self._authority = trustme.CA()
        self._certificate = self._authority.issue_cert(
            *("localhost", "127.0.0.1", "::1", "example.com", "*.example.com")
        )
        self.chain_file = folder / "chain.pem"
        self.key_file = folder / "key.pem"
        self.root_file = folder / "root.pem"
        chain = b"".join(pem.bytes() for pem in self._certificate.cert_chain_pems)
        self.chain_file.write_bytes(chain)
        self.key_file.write_bytes(self._certificate.private_key_pem.bytes())
        self._authority.cert_pem.write_to_path(self.root_file)

    @property
    def certificate(self) -> str:
        """The authority's own certificate, as PEM."""
        return self._authority.cert_pem.bytes().decode()

    def server_context(self) -> ssl.SSLContext:
        """A new context of a server."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.chain_file, self.key_file)
        return context

    def issue_identity(self, file: pathlib.Path) -> None:
        """Writes a client's certificate and key to one file."""
        identity = self._authority.issue_cert("somebody@example.com")
        identity.private_key_and_cert_chain_pem.write_to_path(file)

    def client_context(self) -> ssl.SSLContext:
        """A new context of a client that trusts this authority and no other."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._authority.configure_trust(context)
        return context
