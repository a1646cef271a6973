"""The fixture behind scripted peers: as many as a test wants, ended with it."""

import contextlib
import pathlib

from .certificates import Authority
from .scripted import NewContext, Script, ScriptedPeer


class StartPeer:
    """Starts scripted peers, which end with the test."""

    def __init__(self, authority: Authority) -> None:
        self._authority = authority
        self._peers: list[ScriptedPeer] = []

    def __call__(
        self,
        *scripts: Script,
        tls: bool | NewContext = False,
        host: str = "127.0.0.1",
        path: pathlib.Path | None = None,
    ) -> ScriptedPeer:
        context = self._authority.server_context if tls is True else tls or None
        address = None if path is None else str(path)
        self._peers.append(ScriptedPeer(*scripts, tls=context, host=host, path=address))
        return self._peers[-1]

    def close(self) -> None:
        with contextlib.ExitStack() as stack:
            for peer in self._peers:
                stack.callback(peer.close)
