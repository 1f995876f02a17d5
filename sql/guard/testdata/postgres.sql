-- basic: create function dso_guard_repair
CREATE OR REPLACE FUNCTION "dso_guard_repair"() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $ardso_guard$
DECLARE
  owner text;
BEGIN
  IF TG_OP = 'INSERT' THEN
    RAISE EXCEPTION USING MESSAGE = 'ardso: a new request is owned where it is made: leave Master Flag empty, or set it to Yes';
  END IF;
  IF OLD."dso_master_flag"::integer = 0 THEN
    SELECT o.to_server INTO owner
    FROM "dso_owner" o
    WHERE o.form = 'Repair'
      AND o.request = OLD."id"::text
      AND o.deleted = 0;
    RAISE EXCEPTION USING MESSAGE = 'ardso: this request is owned by another server' || coalesce(' (' || nullif(owner, '') || ')', '') || ': change it there, or have it returned';
  END IF;
  RAISE EXCEPTION USING MESSAGE = CASE
    WHEN nullif(OLD."dso_transfer_status"::text, '') IS DISTINCT FROM nullif(NEW."dso_transfer_status"::text, '') THEN 'ardso: field "Transfer Status" (301) is changed by transfers and returns alone: leave it as it is'
    WHEN nullif(OLD."dso_update_status"::text, '') IS DISTINCT FROM nullif(NEW."dso_update_status"::text, '') THEN 'ardso: field "Update Status" (302) is changed by transfers and returns alone: leave it as it is'
    WHEN nullif(OLD."dso_master_flag"::text, '') IS DISTINCT FROM nullif(NEW."dso_master_flag"::text, '') THEN 'ardso: field "Master Flag" (303) is changed by transfers and returns alone: leave it as it is'
    WHEN nullif(OLD."dso_from_mapping"::text, '') IS DISTINCT FROM nullif(NEW."dso_from_mapping"::text, '') THEN 'ardso: field "From Mapping" (306) is changed by transfers and returns alone: leave it as it is'
    WHEN nullif(OLD."dso_from_request_id"::text, '') IS DISTINCT FROM nullif(NEW."dso_from_request_id"::text, '') THEN 'ardso: field "From Request ID" (307) is changed by transfers and returns alone: leave it as it is'
    WHEN nullif(OLD."dso_from_form"::text, '') IS DISTINCT FROM nullif(NEW."dso_from_form"::text, '') THEN 'ardso: field "From Form" (310) is changed by transfers and returns alone: leave it as it is'
    WHEN nullif(OLD."dso_from_server"::text, '') IS DISTINCT FROM nullif(NEW."dso_from_server"::text, '') THEN 'ardso: field "From Server" (311) is changed by transfers and returns alone: leave it as it is'
    WHEN nullif(OLD."dso_from_pool"::text, '') IS DISTINCT FROM nullif(NEW."dso_from_pool"::text, '') THEN 'ardso: field "From Pool" (318) is changed by transfers and returns alone: leave it as it is'
  END;
END$ardso_guard$;
REVOKE ALL ON FUNCTION "dso_guard_repair"() FROM PUBLIC;

-- basic: create trigger dso_guard_repair_i on table repair
CREATE OR REPLACE TRIGGER "dso_guard_repair_i"
AFTER INSERT ON "repair"
FOR EACH ROW
WHEN (
  NEW."dso_master_flag"::integer = 0
  AND current_setting('ardso.writer', true) IS DISTINCT FROM pg_current_xact_id()::text
)
EXECUTE FUNCTION "dso_guard_repair"('7f0c6506592047b9');

-- basic: create trigger dso_guard_repair_u on table repair
CREATE OR REPLACE TRIGGER "dso_guard_repair_u"
AFTER UPDATE ON "repair"
FOR EACH ROW
WHEN (
  current_setting('ardso.writer', true) IS DISTINCT FROM pg_current_xact_id()::text
  AND (
    OLD."dso_master_flag"::integer = 0
    OR nullif(OLD."dso_transfer_status"::text, '') IS DISTINCT FROM nullif(NEW."dso_transfer_status"::text, '')
    OR nullif(OLD."dso_update_status"::text, '') IS DISTINCT FROM nullif(NEW."dso_update_status"::text, '')
    OR nullif(OLD."dso_master_flag"::text, '') IS DISTINCT FROM nullif(NEW."dso_master_flag"::text, '')
    OR nullif(OLD."dso_from_mapping"::text, '') IS DISTINCT FROM nullif(NEW."dso_from_mapping"::text, '')
    OR nullif(OLD."dso_from_request_id"::text, '') IS DISTINCT FROM nullif(NEW."dso_from_request_id"::text, '')
    OR nullif(OLD."dso_from_form"::text, '') IS DISTINCT FROM nullif(NEW."dso_from_form"::text, '')
    OR nullif(OLD."dso_from_server"::text, '') IS DISTINCT FROM nullif(NEW."dso_from_server"::text, '')
    OR nullif(OLD."dso_from_pool"::text, '') IS DISTINCT FROM nullif(NEW."dso_from_pool"::text, '')
  )
)
EXECUTE FUNCTION "dso_guard_repair"('7f0c6506592047b9');

-- basic: create trigger dso_guard_repair_d on table repair
CREATE OR REPLACE TRIGGER "dso_guard_repair_d"
AFTER DELETE ON "repair"
FOR EACH ROW
WHEN (
  OLD."dso_master_flag"::integer = 0
  AND current_setting('ardso.writer', true) IS DISTINCT FROM pg_current_xact_id()::text
)
EXECUTE FUNCTION "dso_guard_repair"('7f0c6506592047b9');

-- full: create function dso_guard_repair
CREATE OR REPLACE FUNCTION "dso_guard_repair"() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $ardso_guard$
DECLARE
  owner text;
BEGIN
  IF TG_OP = 'INSERT' THEN
    RAISE EXCEPTION USING MESSAGE = 'ardso: a new request is owned where it is made: leave Master Flag empty, or set it to Yes';
  END IF;
  IF OLD."dso_master_flag"::integer = 0 THEN
    owner := OLD."dso_current_server";
    RAISE EXCEPTION USING MESSAGE = 'ardso: this request is owned by another server' || coalesce(' (' || nullif(owner, '') || ')', '') || ': change it there, or have it returned';
  END IF;
  RAISE EXCEPTION USING MESSAGE = CASE
    WHEN nullif(OLD."dso_transfer_status"::text, '') IS DISTINCT FROM nullif(NEW."dso_transfer_status"::text, '') THEN 'ardso: field "Transfer Status" (301) is changed by transfers and returns alone: leave it as it is'
    WHEN nullif(OLD."dso_update_status"::text, '') IS DISTINCT FROM nullif(NEW."dso_update_status"::text, '') THEN 'ardso: field "Update Status" (302) is changed by transfers and returns alone: leave it as it is'
    WHEN nullif(OLD."dso_master_flag"::text, '') IS DISTINCT FROM nullif(NEW."dso_master_flag"::text, '') THEN 'ardso: field "Master Flag" (303) is changed by transfers and returns alone: leave it as it is'
    WHEN nullif(OLD."dso_current_form"::text, '') IS DISTINCT FROM nullif(NEW."dso_current_form"::text, '') THEN 'ardso: field "Current Form" (304) is changed by transfers and returns alone: leave it as it is'
    WHEN nullif(OLD."dso_current_server"::text, '') IS DISTINCT FROM nullif(NEW."dso_current_server"::text, '') THEN 'ardso: field "Current Server" (305) is changed by transfers and returns alone: leave it as it is'
    WHEN nullif(OLD."dso_from_mapping"::text, '') IS DISTINCT FROM nullif(NEW."dso_from_mapping"::text, '') THEN 'ardso: field "From Mapping" (306) is changed by transfers and returns alone: leave it as it is'
    WHEN nullif(OLD."dso_from_request_id"::text, '') IS DISTINCT FROM nullif(NEW."dso_from_request_id"::text, '') THEN 'ardso: field "From Request ID" (307) is changed by transfers and returns alone: leave it as it is'
    WHEN nullif(OLD."dso_to_request_id"::text, '') IS DISTINCT FROM nullif(NEW."dso_to_request_id"::text, '') THEN 'ardso: field "To Request ID" (308) is changed by transfers and returns alone: leave it as it is'
    WHEN nullif(OLD."dso_mapping_history"::text, '') IS DISTINCT FROM nullif(NEW."dso_mapping_history"::text, '') THEN 'ardso: field "Mapping History" (309) is changed by transfers and returns alone: leave it as it is'
    WHEN nullif(OLD."dso_from_form"::text, '') IS DISTINCT FROM nullif(NEW."dso_from_form"::text, '') THEN 'ardso: field "From Form" (310) is changed by transfers and returns alone: leave it as it is'
    WHEN nullif(OLD."dso_from_server"::text, '') IS DISTINCT FROM nullif(NEW."dso_from_server"::text, '') THEN 'ardso: field "From Server" (311) is changed by transfers and returns alone: leave it as it is'
    WHEN nullif(OLD."dso_from_pool"::text, '') IS DISTINCT FROM nullif(NEW."dso_from_pool"::text, '') THEN 'ardso: field "From Pool" (318) is changed by transfers and returns alone: leave it as it is'
  END;
END$ardso_guard$;
REVOKE ALL ON FUNCTION "dso_guard_repair"() FROM PUBLIC;

-- full: create trigger dso_guard_repair_i on table repair
CREATE OR REPLACE TRIGGER "dso_guard_repair_i"
AFTER INSERT ON "repair"
FOR EACH ROW
WHEN (
  NEW."dso_master_flag"::integer = 0
  AND current_setting('ardso.writer', true) IS DISTINCT FROM pg_current_xact_id()::text
)
EXECUTE FUNCTION "dso_guard_repair"('69d3087dae5f368d');

-- full: create trigger dso_guard_repair_u on table repair
CREATE OR REPLACE TRIGGER "dso_guard_repair_u"
AFTER UPDATE ON "repair"
FOR EACH ROW
WHEN (
  current_setting('ardso.writer', true) IS DISTINCT FROM pg_current_xact_id()::text
  AND (
    OLD."dso_master_flag"::integer = 0
    OR nullif(OLD."dso_transfer_status"::text, '') IS DISTINCT FROM nullif(NEW."dso_transfer_status"::text, '')
    OR nullif(OLD."dso_update_status"::text, '') IS DISTINCT FROM nullif(NEW."dso_update_status"::text, '')
    OR nullif(OLD."dso_master_flag"::text, '') IS DISTINCT FROM nullif(NEW."dso_master_flag"::text, '')
    OR nullif(OLD."dso_current_form"::text, '') IS DISTINCT FROM nullif(NEW."dso_current_form"::text, '')
    OR nullif(OLD."dso_current_server"::text, '') IS DISTINCT FROM nullif(NEW."dso_current_server"::text, '')
    OR nullif(OLD."dso_from_mapping"::text, '') IS DISTINCT FROM nullif(NEW."dso_from_mapping"::text, '')
    OR nullif(OLD."dso_from_request_id"::text, '') IS DISTINCT FROM nullif(NEW."dso_from_request_id"::text, '')
    OR nullif(OLD."dso_to_request_id"::text, '') IS DISTINCT FROM nullif(NEW."dso_to_request_id"::text, '')
    OR nullif(OLD."dso_mapping_history"::text, '') IS DISTINCT FROM nullif(NEW."dso_mapping_history"::text, '')
    OR nullif(OLD."dso_from_form"::text, '') IS DISTINCT FROM nullif(NEW."dso_from_form"::text, '')
    OR nullif(OLD."dso_from_server"::text, '') IS DISTINCT FROM nullif(NEW."dso_from_server"::text, '')
    OR nullif(OLD."dso_from_pool"::text, '') IS DISTINCT FROM nullif(NEW."dso_from_pool"::text, '')
  )
)
EXECUTE FUNCTION "dso_guard_repair"('69d3087dae5f368d');

-- full: create trigger dso_guard_repair_d on table repair
CREATE OR REPLACE TRIGGER "dso_guard_repair_d"
AFTER DELETE ON "repair"
FOR EACH ROW
WHEN (
  OLD."dso_master_flag"::integer = 0
  AND current_setting('ardso.writer', true) IS DISTINCT FROM pg_current_xact_id()::text
)
EXECUTE FUNCTION "dso_guard_repair"('69d3087dae5f368d');

-- free to delete: create function dso_guard_repair
CREATE OR REPLACE FUNCTION "dso_guard_repair"() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $ardso_guard$
DECLARE
  owner text;
BEGIN
  IF TG_OP = 'INSERT' THEN
    RAISE EXCEPTION USING MESSAGE = 'ardso: a new request is owned where it is made: leave Master Flag empty, or set it to Yes';
  END IF;
  IF TG_OP = 'DELETE' THEN
    IF coalesce((
      SELECT CASE
        WHEN o.to_mapping IN ('m1', 'm2') THEN true
        WHEN o.to_mapping IN ('strict') THEN false
        WHEN o.from_mapping IN ('it''s m1') THEN true
        ELSE false
      END
      FROM "dso_owner" o
      WHERE o.form = 'Repair'
        AND o.request = OLD."id"::text
        AND o.deleted = 0
    ), OLD."dso_from_mapping"::text IN ('it''s m1'), false) THEN
      RETURN NULL;
    END IF;
  END IF;
  IF OLD."dso_master_flag"::integer = 0 THEN
    owner := OLD."dso_current_server";
    RAISE EXCEPTION USING MESSAGE = 'ardso: this request is owned by another server' || coalesce(' (' || nullif(owner, '') || ')', '') || ': change it there, or have it returned';
  END IF;
  RAISE EXCEPTION USING MESSAGE = CASE
    WHEN nullif(OLD."dso_transfer_status"::text, '') IS DISTINCT FROM nullif(NEW."dso_transfer_status"::text, '') THEN 'ardso: field "Transfer Status" (301) is changed by transfers and returns alone: leave it as it is'
    WHEN nullif(OLD."dso_update_status"::text, '') IS DISTINCT FROM nullif(NEW."dso_update_status"::text, '') THEN 'ardso: field "Update Status" (302) is changed by transfers and returns alone: leave it as it is'
    WHEN nullif(OLD."dso_master_flag"::text, '') IS DISTINCT FROM nullif(NEW."dso_master_flag"::text, '') THEN 'ardso: field "Master Flag" (303) is changed by transfers and returns alone: leave it as it is'
    WHEN nullif(OLD."dso_current_form"::text, '') IS DISTINCT FROM nullif(NEW."dso_current_form"::text, '') THEN 'ardso: field "Current Form" (304) is changed by transfers and returns alone: leave it as it is'
    WHEN nullif(OLD."dso_current_server"::text, '') IS DISTINCT FROM nullif(NEW."dso_current_server"::text, '') THEN 'ardso: field "Current Server" (305) is changed by transfers and returns alone: leave it as it is'
    WHEN nullif(OLD."dso_from_mapping"::text, '') IS DISTINCT FROM nullif(NEW."dso_from_mapping"::text, '') THEN 'ardso: field "From Mapping" (306) is changed by transfers and returns alone: leave it as it is'
    WHEN nullif(OLD."dso_from_request_id"::text, '') IS DISTINCT FROM nullif(NEW."dso_from_request_id"::text, '') THEN 'ardso: field "From Request ID" (307) is changed by transfers and returns alone: leave it as it is'
    WHEN nullif(OLD."dso_to_request_id"::text, '') IS DISTINCT FROM nullif(NEW."dso_to_request_id"::text, '') THEN 'ardso: field "To Request ID" (308) is changed by transfers and returns alone: leave it as it is'
    WHEN nullif(OLD."dso_mapping_history"::text, '') IS DISTINCT FROM nullif(NEW."dso_mapping_history"::text, '') THEN 'ardso: field "Mapping History" (309) is changed by transfers and returns alone: leave it as it is'
    WHEN nullif(OLD."dso_from_form"::text, '') IS DISTINCT FROM nullif(NEW."dso_from_form"::text, '') THEN 'ardso: field "From Form" (310) is changed by transfers and returns alone: leave it as it is'
    WHEN nullif(OLD."dso_from_server"::text, '') IS DISTINCT FROM nullif(NEW."dso_from_server"::text, '') THEN 'ardso: field "From Server" (311) is changed by transfers and returns alone: leave it as it is'
    WHEN nullif(OLD."dso_from_pool"::text, '') IS DISTINCT FROM nullif(NEW."dso_from_pool"::text, '') THEN 'ardso: field "From Pool" (318) is changed by transfers and returns alone: leave it as it is'
  END;
END$ardso_guard$;
REVOKE ALL ON FUNCTION "dso_guard_repair"() FROM PUBLIC;

-- free to delete: create trigger dso_guard_repair_d on table repair
CREATE OR REPLACE TRIGGER "dso_guard_repair_d"
AFTER DELETE ON "repair"
FOR EACH ROW
WHEN (
  OLD."dso_master_flag"::integer = 0
  AND current_setting('ardso.writer', true) IS DISTINCT FROM pg_current_xact_id()::text
)
EXECUTE FUNCTION "dso_guard_repair"('3f2fd427a31318c2');

