import sys
from collections.abc import Sequence


def main(arguments: Sequence[str]) -> int:
    try:
        from chatwithus.doctor import program
    except ModuleNotFoundError as error:
        sys.exit(
            f"✗ packages  {error.name} is not installed for {sys.executable}:"
            " use .venv/bin/python, which `make up` fills."
        )
    return program.main(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
