-- The roles of one server; run as its superuser, as often as you like. `owner` migrates and dumps, `app` serves, `lookup` owns the few
-- functions that answer before a tenant is known. The caller puts the passwords into bootstrap.owner_password and bootstrap.app_password.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['owner', 'app', 'lookup'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            EXECUTE format('CREATE ROLE %I', name);
        END IF;
    END LOOP;
    EXECUTE format('ALTER ROLE owner PASSWORD %L', current_setting('bootstrap.owner_password'));
    EXECUTE format('ALTER ROLE app PASSWORD %L', current_setting('bootstrap.app_password'));
END
$$;
ALTER ROLE owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE BYPASSRLS;
ALTER ROLE app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
ALTER ROLE lookup NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD NULL;
GRANT lookup TO owner WITH INHERIT FALSE, SET TRUE;
