-- What it refuses is decided by the triggers' WHEN; here it only finds the words. It reads dso_owner, which users
-- need not be allowed to, with its owner's rights, and finds nothing by a search_path of theirs.
CREATE OR REPLACE FUNCTION {{.Function}}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $ardso_guard${{template "body.sql" .}}$ardso_guard$;
REVOKE ALL ON FUNCTION {{.Function}}() FROM PUBLIC
