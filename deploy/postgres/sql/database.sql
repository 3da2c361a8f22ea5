-- What the superuser does inside one database, template1 included; the tables' grants are the work of `manage.py migrate`.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS vector;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO owner, lookup;
GRANT USAGE ON SCHEMA public TO app;
