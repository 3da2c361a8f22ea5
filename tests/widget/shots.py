"""`python -m tests.widget.shots FOLDER`: takes the pictures of states.py, which pytest gives its server, browser and settings."""

import os
import sys
from pathlib import Path

import pytest

FOLDER = "SHOTS"

if __name__ == "__main__":
    os.environ[FOLDER] = str(Path(sys.argv[1]).resolve())
    sys.exit(pytest.main(["-q", str(Path(__file__).with_name("states.py")), *sys.argv[2:]]))
