#!/bin/sh
# Makes .env from .env.example where there is none, and fills the secrets that are still empty; it never changes one.
set -eu
cd "$(dirname "$0")/.."
umask 077
[ -e .env ] || cp .env.example .env
trap 'rm -f .env.draft' EXIT

while IFS= read -r line || [ -n "$line" ]; do
    case $line in
        SECRET_KEY= | *_PASSWORD=) line=$line$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n') ;;
    esac
    printf '%s\n' "$line"
done <.env >.env.draft
mv .env.draft .env
