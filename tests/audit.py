"""Ask the package index whether it knows of vulnerabilities in the locked versions; run by `make check`."""

import json
import subprocess
import sys
from pathlib import Path

LOCK = Path(__file__).resolve().parent.parent / "requirements" / "dev.txt"


def main() -> None:
    """Fails on a known vulnerability; says how many versions the index knew nothing about."""
    command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes", "--format", "json"]
    asked = subprocess.run([*command, "-r", str(LOCK)], capture_output=True, text=True, check=False)
    if not asked.stdout:
        print(f"  audit     not done, the index did not answer: {asked.stderr.strip().splitlines()[-1]}")
        return
    found = json.loads(asked.stdout)["dependencies"]
    vulnerable = [one for one in found if one.get("vulns")]
    for one in vulnerable:
        for known in one["vulns"]:
            fixed = ", ".join(known["fix_versions"]) or "none yet"
            print(f"{one['name']} {one['version']}: {known['id']} (fixed in {fixed})")
    silent = sum("skip_reason" in one for one in found)
    print(
        f"  audit     {len(found) - silent - len(vulnerable)} versions without a known vulnerability, {silent} of which this index tells nothing"
    )
    sys.exit(bool(vulnerable))


if __name__ == "__main__":
    main()
