#!/bin/bash
# The superuser's only work on one server: roles, one database of the owner, the extension. The image runs it on an empty volume;
# run again, it heals a first start that was interrupted and takes over passwords that have changed.
set -eo pipefail
: "${POSTGRES_USER:?}" "${DATABASE:?}" "${OWNER_PASSWORD:?}" "${APP_PASSWORD:?}"
sql=$(dirname "${BASH_SOURCE[0]}")/sql

run() {
    psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" "$@"
}

run --dbname postgres --file - --file "$sql/roles.sql" <<'SQL'
\getenv owner OWNER_PASSWORD
\getenv app APP_PASSWORD
SELECT set_config('bootstrap.owner_password', :'owner', false), set_config('bootstrap.app_password', :'app', false) \g /dev/null
SQL
run --dbname template1 --file "$sql/database.sql"
run --dbname postgres <<'SQL'
\getenv name DATABASE
SELECT format('CREATE DATABASE %I OWNER owner', :'name')
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \gexec
SQL
run --dbname "$DATABASE" --file "$sql/database.sql"
