#!/bin/sh
# The password travels by standard input, where `ps` cannot see it. Nothing is kept over a restart: the rows are the truth.
: "${VALKEY_PASSWORD:?}"
exec valkey-server - "$@" <<END
requirepass $VALKEY_PASSWORD
save ""
appendonly no
maxmemory 256mb
maxmemory-policy noeviction
END
