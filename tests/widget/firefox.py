"""A second browser engine, spoken to in its own WebDriver BiDi (https://w3c.github.io/webdriver-bidi): Debian's Firefox needs no driver."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

PATIENCE = 60.0
LISTENING = re.compile(r"WebDriver BiDi listening on (ws://\S+)")
ENTER = "\ue007"
# It asks nobody on its own account.
PREFERENCES = {
    "app.normandy.enabled": False,
    "app.update.disabledForTesting": True,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "messaging-system.rsexperimentloader.enabled": False,
    "network.captive-portal-service.enabled": False,
    "services.settings.server": "http://127.0.0.1:9",
}
ROOT = "document.querySelector('chat-with-us').shadowRoot"


def find() -> str | None:
    """The path of a Firefox, if there is one."""
    return shutil.which("firefox-esr") or shutil.which("firefox")


@contextmanager
def opened(program: str, folder: Path) -> Iterator["Tab"]:
    """A Firefox without a window, with a profile of its own in this folder, and its one tab."""
    preferences = (
        f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in PREFERENCES.items()
    )
    (folder / "user.js").write_text("".join(preferences))
    command = [program, "--headless", "--no-remote", "--remote-debugging-port=0", "--profile", str(folder)]
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        with connect(f"{_address(running)}/session", max_size=None) as connection:
            yield Tab(connection)
    finally:
        running.terminate()
        running.wait(PATIENCE)


def _address(running: "subprocess.Popen[str]") -> str:
    assert running.stderr is not None
    for line in running.stderr:
        if found := LISTENING.search(line):
            return found[1]
    raise RuntimeError(f"Firefox ended with {running.wait()} before it could be spoken to")


class Tab:
    """What a person does there: clicks, types, and looks for what should come; all of it within the widget's shadow."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._sent = 0
        self._do("session.new", capabilities={})
        self._context: str = self._do("browsingContext.getTree")["contexts"][0]["context"]

    def visit(self, address: str) -> None:
        self._do("browsingContext.navigate", context=self._context, url=address, wait="complete")

    def reload(self) -> None:
        self._do("browsingContext.reload", context=self._context, wait="complete")

    def sees(self, selector: str, text: str = "") -> None:
        """Waits until something that matches is shown and says this."""
        self._run(
            f"""new Promise((done) => {{
              const look = () => {{
                const found = [...({ROOT}?.querySelectorAll({json.dumps(selector)}) ?? [])];
                const isThere = found.some((one) => one.checkVisibility() && one.textContent.includes({json.dumps(text)}));
                isThere ? done(true) : setTimeout(look, 50);
              }};
              look();
            }})"""
        )

    def reads(self, selector: str) -> str:
        return str(self._run(f"{ROOT}.querySelector({json.dumps(selector)}).textContent")["value"])

    def counts(self, selector: str) -> int:
        return int(self._run(f"{ROOT}.querySelectorAll({json.dumps(selector)}).length")["value"])

    def click(self, selector: str) -> None:
        self.sees(selector)
        node = self._run(f"{ROOT}.querySelector({json.dumps(selector)})")
        there = {"type": "element", "element": {"sharedId": node["sharedId"]}}
        steps = [
            {"type": "pointerMove", "x": 0, "y": 0, "origin": there},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        self._act({"type": "pointer", "id": "mouse", "actions": steps})

    def type(self, text: str) -> None:
        """Into whatever has focus."""
        steps = [{"type": kind, "value": key} for key in text for kind in ("keyDown", "keyUp")]
        self._act({"type": "key", "id": "keyboard", "actions": steps})

    def _act(self, source: dict[str, Any]) -> None:
        self._do("input.performActions", context=self._context, actions=[source])

    def _run(self, expression: str) -> dict[str, Any]:
        found = self._do(
            "script.evaluate", expression=expression, target={"context": self._context}, awaitPromise=True
        )
        assert found["type"] == "success", found
        return dict(found["result"])

    def _do(self, method: str, **params: Any) -> dict[str, Any]:
        self._sent += 1
        self._connection.send(json.dumps({"id": self._sent, "method": method, "params": params}))
        while (answer := json.loads(self._connection.recv(timeout=PATIENCE))).get("id") != self._sent:
            pass
        assert answer["type"] == "success", answer
        return dict(answer["result"])
