"""Where the web listens, and how people reach it."""

import http.client
import socket
from collections.abc import Mapping
from dataclasses import dataclass

from chatwithus.embedded.folder import CannotStart

EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}


@dataclass(frozen=True, slots=True)
class Address:
    """`host` and `port` to listen on; `public_url` has no slash at its end."""

    host: str
    port: int
    public_url: str

    @classmethod
    def read(cls, variables: Mapping[str, str]) -> "Address":
        """From HOST, PORT and PUBLIC_URL; refuses a port that is no number."""
        host, port = variables.get("HOST") or "127.0.0.1", variables.get("PORT") or "8000"
        if not port.isdecimal() or not 0 < int(port) < 65536:
            raise CannotStart(
                f"PORT must be a number from 1 to 65535, not {port!r}: for instance PORT=8001 make up."
            )
        public_url = variables.get("PUBLIC_URL") or f"http://127.0.0.1:{int(port)}"
        return cls(host, int(port), public_url.rstrip("/"))

    def claim(self) -> None:
        """Listen for a moment, which is refused where another program does."""
        with socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.host, self.port))
                probe.listen(1)
            except OSError as error:
                other = self.port % 65535 + 1 if self.port >= 1024 else 8000
                raise CannotStart(
                    f"Cannot listen on {self.host} port {self.port} ({error.strerror}): stop what uses it,"
                    f" or choose another port, for instance PORT={other} make up."
                ) from error

    def get(self, path: str, **headers: str) -> tuple[int, bytes]:
        """Status and body of a page of ours; status 0 where nobody answers."""
        connection = http.client.HTTPConnection(EVERYWHERE.get(self.host, self.host), self.port, timeout=5)
        try:
            connection.request("GET", path, headers={"Host": f"127.0.0.1:{self.port}", **headers})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            return 0, b""
        finally:
            connection.close()
