#!/usr/bin/env python3
import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatwithus.settings")
    if sys.argv[1:2] == ["doctor"]:  # needs no settings: it says why they cannot be read
        from chatwithus.doctor.__main__ import main

        sys.exit(main(sys.argv[2:]))
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
