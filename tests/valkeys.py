"""A Valkey of their own for tests that spoil or kill it."""

from collections.abc import Iterator
from contextlib import contextmanager
from signal import SIGKILL

from chatwithus.embedded import Services, quarters
from chatwithus.embedded.children import Children
from chatwithus.embedded.folder import DataFolder
from chatwithus.embedded.processes import kill
from chatwithus.embedded.valkey import Valkey
from tests.folders import fresh_folder


class OwnValkey:
    """Its address stays, whatever becomes of it; it comes back empty."""

    def __init__(self, valkey: Valkey, children: Children) -> None:
        self._valkey, self._children = valkey, children
        self._running = valkey.start()
        self.url = f"redis://:known@127.0.0.1:{valkey.port}/0"

    def die(self) -> None:
        kill(self._running.pid, SIGKILL)
        self.stop()

    def come_back(self) -> None:
        self._running = self._valkey.start()

    def stop(self) -> None:
        self._children.stop(self._running, patience=5)


@contextmanager
def own_valkey(services: Services) -> Iterator[OwnValkey]:
    with fresh_folder() as path:
        folder = DataFolder(path)
        folder.open()
        children = Children(folder)
        home = quarters.settle(services.folder.path)
        own = OwnValkey(Valkey(home, children, password="known"), children)
        try:
            yield own
        finally:
            own.stop()
            folder.close()
