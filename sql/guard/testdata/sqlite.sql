-- basic: create trigger dso_guard_repair_i on table repair
CREATE TRIGGER "dso_guard_repair_i"
BEFORE INSERT ON "repair"
WHEN NOT EXISTS (SELECT 1 FROM dso_checkpoint WHERE open = 1)
  AND (
    NEW."dso_master_flag" = 0
    OR EXISTS (SELECT 1 FROM "repair" t WHERE t."id" = NEW."id" AND t."dso_master_flag" = 0)
  )
BEGIN
  SELECT CASE
    WHEN NEW."dso_master_flag" = 0 THEN RAISE(ABORT, 'ardso: a new request is owned where it is made: leave Master Flag empty, or set it to Yes')
    ELSE RAISE(ABORT, 'ardso: this request is owned by another server: change it there, or have it returned')
  END;
END;

-- basic: create trigger dso_guard_repair_u on table repair
CREATE TRIGGER "dso_guard_repair_u"
BEFORE UPDATE ON "repair"
WHEN (
    OLD."dso_master_flag" = 0
    OR NULLIF(OLD."dso_transfer_status", '') IS NOT NULLIF(NEW."dso_transfer_status", '')
    OR NULLIF(OLD."dso_update_status", '') IS NOT NULLIF(NEW."dso_update_status", '')
    OR NULLIF(OLD."dso_master_flag", '') IS NOT NULLIF(NEW."dso_master_flag", '')
    OR NULLIF(OLD."dso_from_mapping", '') IS NOT NULLIF(NEW."dso_from_mapping", '')
    OR NULLIF(OLD."dso_from_request_id", '') IS NOT NULLIF(NEW."dso_from_request_id", '')
    OR NULLIF(OLD."dso_from_form", '') IS NOT NULLIF(NEW."dso_from_form", '')
    OR NULLIF(OLD."dso_from_server", '') IS NOT NULLIF(NEW."dso_from_server", '')
    OR NULLIF(OLD."dso_from_pool", '') IS NOT NULLIF(NEW."dso_from_pool", '')
  )
  AND NOT EXISTS (SELECT 1 FROM dso_checkpoint WHERE open = 1)
BEGIN
  SELECT CASE
    WHEN OLD."dso_master_flag" = 0 THEN CASE (
      SELECT to_server
      FROM dso_owner
      WHERE form = 'Repair'
        AND request = CAST(OLD."id" AS TEXT)
        AND deleted = 0
    )
      WHEN 'a' THEN RAISE(ABORT, 'ardso: this request is owned by another server (a): change it there, or have it returned')
      WHEN 'b' THEN RAISE(ABORT, 'ardso: this request is owned by another server (b): change it there, or have it returned')
      WHEN 'o''hare' THEN RAISE(ABORT, 'ardso: this request is owned by another server (o''hare): change it there, or have it returned')
      ELSE RAISE(ABORT, 'ardso: this request is owned by another server: change it there, or have it returned')
    END
    WHEN NULLIF(OLD."dso_transfer_status", '') IS NOT NULLIF(NEW."dso_transfer_status", '') THEN RAISE(ABORT, 'ardso: field "Transfer Status" (301) is changed by transfers and returns alone: leave it as it is')
    WHEN NULLIF(OLD."dso_update_status", '') IS NOT NULLIF(NEW."dso_update_status", '') THEN RAISE(ABORT, 'ardso: field "Update Status" (302) is changed by transfers and returns alone: leave it as it is')
    WHEN NULLIF(OLD."dso_master_flag", '') IS NOT NULLIF(NEW."dso_master_flag", '') THEN RAISE(ABORT, 'ardso: field "Master Flag" (303) is changed by transfers and returns alone: leave it as it is')
    WHEN NULLIF(OLD."dso_from_mapping", '') IS NOT NULLIF(NEW."dso_from_mapping", '') THEN RAISE(ABORT, 'ardso: field "From Mapping" (306) is changed by transfers and returns alone: leave it as it is')
    WHEN NULLIF(OLD."dso_from_request_id", '') IS NOT NULLIF(NEW."dso_from_request_id", '') THEN RAISE(ABORT, 'ardso: field "From Request ID" (307) is changed by transfers and returns alone: leave it as it is')
    WHEN NULLIF(OLD."dso_from_form", '') IS NOT NULLIF(NEW."dso_from_form", '') THEN RAISE(ABORT, 'ardso: field "From Form" (310) is changed by transfers and returns alone: leave it as it is')
    WHEN NULLIF(OLD."dso_from_server", '') IS NOT NULLIF(NEW."dso_from_server", '') THEN RAISE(ABORT, 'ardso: field "From Server" (311) is changed by transfers and returns alone: leave it as it is')
    WHEN NULLIF(OLD."dso_from_pool", '') IS NOT NULLIF(NEW."dso_from_pool", '') THEN RAISE(ABORT, 'ardso: field "From Pool" (318) is changed by transfers and returns alone: leave it as it is')
  END;
END;

-- basic: create trigger dso_guard_repair_d on table repair
CREATE TRIGGER "dso_guard_repair_d"
BEFORE DELETE ON "repair"
WHEN OLD."dso_master_flag" = 0
  AND NOT EXISTS (SELECT 1 FROM dso_checkpoint WHERE open = 1)
BEGIN
  SELECT CASE (
      SELECT to_server
      FROM dso_owner
      WHERE form = 'Repair'
        AND request = CAST(OLD."id" AS TEXT)
        AND deleted = 0
    )
      WHEN 'a' THEN RAISE(ABORT, 'ardso: this request is owned by another server (a): change it there, or have it returned')
      WHEN 'b' THEN RAISE(ABORT, 'ardso: this request is owned by another server (b): change it there, or have it returned')
      WHEN 'o''hare' THEN RAISE(ABORT, 'ardso: this request is owned by another server (o''hare): change it there, or have it returned')
      ELSE RAISE(ABORT, 'ardso: this request is owned by another server: change it there, or have it returned')
    END;
END;

-- full: create trigger dso_guard_repair_i on table repair
CREATE TRIGGER "dso_guard_repair_i"
BEFORE INSERT ON "repair"
WHEN NOT EXISTS (SELECT 1 FROM dso_checkpoint WHERE open = 1)
  AND (
    NEW."dso_master_flag" = 0
    OR EXISTS (SELECT 1 FROM "repair" t WHERE t."id" = NEW."id" AND t."dso_master_flag" = 0)
  )
BEGIN
  SELECT CASE
    WHEN NEW."dso_master_flag" = 0 THEN RAISE(ABORT, 'ardso: a new request is owned where it is made: leave Master Flag empty, or set it to Yes')
    ELSE RAISE(ABORT, 'ardso: this request is owned by another server: change it there, or have it returned')
  END;
END;

-- full: create trigger dso_guard_repair_u on table repair
CREATE TRIGGER "dso_guard_repair_u"
BEFORE UPDATE ON "repair"
WHEN (
    OLD."dso_master_flag" = 0
    OR NULLIF(OLD."dso_transfer_status", '') IS NOT NULLIF(NEW."dso_transfer_status", '')
    OR NULLIF(OLD."dso_update_status", '') IS NOT NULLIF(NEW."dso_update_status", '')
    OR NULLIF(OLD."dso_master_flag", '') IS NOT NULLIF(NEW."dso_master_flag", '')
    OR NULLIF(OLD."dso_current_form", '') IS NOT NULLIF(NEW."dso_current_form", '')
    OR NULLIF(OLD."dso_current_server", '') IS NOT NULLIF(NEW."dso_current_server", '')
    OR NULLIF(OLD."dso_from_mapping", '') IS NOT NULLIF(NEW."dso_from_mapping", '')
    OR NULLIF(OLD."dso_from_request_id", '') IS NOT NULLIF(NEW."dso_from_request_id", '')
    OR NULLIF(OLD."dso_to_request_id", '') IS NOT NULLIF(NEW."dso_to_request_id", '')
    OR NULLIF(OLD."dso_mapping_history", '') IS NOT NULLIF(NEW."dso_mapping_history", '')
    OR NULLIF(OLD."dso_from_form", '') IS NOT NULLIF(NEW."dso_from_form", '')
    OR NULLIF(OLD."dso_from_server", '') IS NOT NULLIF(NEW."dso_from_server", '')
    OR NULLIF(OLD."dso_from_pool", '') IS NOT NULLIF(NEW."dso_from_pool", '')
  )
  AND NOT EXISTS (SELECT 1 FROM dso_checkpoint WHERE open = 1)
BEGIN
  SELECT CASE
    WHEN OLD."dso_master_flag" = 0 THEN CASE OLD."dso_current_server"
      WHEN 'a' THEN RAISE(ABORT, 'ardso: this request is owned by another server (a): change it there, or have it returned')
      WHEN 'b' THEN RAISE(ABORT, 'ardso: this request is owned by another server (b): change it there, or have it returned')
      WHEN 'o''hare' THEN RAISE(ABORT, 'ardso: this request is owned by another server (o''hare): change it there, or have it returned')
      ELSE RAISE(ABORT, 'ardso: this request is owned by another server: change it there, or have it returned')
    END
    WHEN NULLIF(OLD."dso_transfer_status", '') IS NOT NULLIF(NEW."dso_transfer_status", '') THEN RAISE(ABORT, 'ardso: field "Transfer Status" (301) is changed by transfers and returns alone: leave it as it is')
    WHEN NULLIF(OLD."dso_update_status", '') IS NOT NULLIF(NEW."dso_update_status", '') THEN RAISE(ABORT, 'ardso: field "Update Status" (302) is changed by transfers and returns alone: leave it as it is')
    WHEN NULLIF(OLD."dso_master_flag", '') IS NOT NULLIF(NEW."dso_master_flag", '') THEN RAISE(ABORT, 'ardso: field "Master Flag" (303) is changed by transfers and returns alone: leave it as it is')
    WHEN NULLIF(OLD."dso_current_form", '') IS NOT NULLIF(NEW."dso_current_form", '') THEN RAISE(ABORT, 'ardso: field "Current Form" (304) is changed by transfers and returns alone: leave it as it is')
    WHEN NULLIF(OLD."dso_current_server", '') IS NOT NULLIF(NEW."dso_current_server", '') THEN RAISE(ABORT, 'ardso: field "Current Server" (305) is changed by transfers and returns alone: leave it as it is')
    WHEN NULLIF(OLD."dso_from_mapping", '') IS NOT NULLIF(NEW."dso_from_mapping", '') THEN RAISE(ABORT, 'ardso: field "From Mapping" (306) is changed by transfers and returns alone: leave it as it is')
    WHEN NULLIF(OLD."dso_from_request_id", '') IS NOT NULLIF(NEW."dso_from_request_id", '') THEN RAISE(ABORT, 'ardso: field "From Request ID" (307) is changed by transfers and returns alone: leave it as it is')
    WHEN NULLIF(OLD."dso_to_request_id", '') IS NOT NULLIF(NEW."dso_to_request_id", '') THEN RAISE(ABORT, 'ardso: field "To Request ID" (308) is changed by transfers and returns alone: leave it as it is')
    WHEN NULLIF(OLD."dso_mapping_history", '') IS NOT NULLIF(NEW."dso_mapping_history", '') THEN RAISE(ABORT, 'ardso: field "Mapping History" (309) is changed by transfers and returns alone: leave it as it is')
    WHEN NULLIF(OLD."dso_from_form", '') IS NOT NULLIF(NEW."dso_from_form", '') THEN RAISE(ABORT, 'ardso: field "From Form" (310) is changed by transfers and returns alone: leave it as it is')
    WHEN NULLIF(OLD."dso_from_server", '') IS NOT NULLIF(NEW."dso_from_server", '') THEN RAISE(ABORT, 'ardso: field "From Server" (311) is changed by transfers and returns alone: leave it as it is')
    WHEN NULLIF(OLD."dso_from_pool", '') IS NOT NULLIF(NEW."dso_from_pool", '') THEN RAISE(ABORT, 'ardso: field "From Pool" (318) is changed by transfers and returns alone: leave it as it is')
  END;
END;

-- full: create trigger dso_guard_repair_d on table repair
CREATE TRIGGER "dso_guard_repair_d"
BEFORE DELETE ON "repair"
WHEN OLD."dso_master_flag" = 0
  AND NOT EXISTS (SELECT 1 FROM dso_checkpoint WHERE open = 1)
BEGIN
  SELECT CASE OLD."dso_current_server"
      WHEN 'a' THEN RAISE(ABORT, 'ardso: this request is owned by another server (a): change it there, or have it returned')
      WHEN 'b' THEN RAISE(ABORT, 'ardso: this request is owned by another server (b): change it there, or have it returned')
      WHEN 'o''hare' THEN RAISE(ABORT, 'ardso: this request is owned by another server (o''hare): change it there, or have it returned')
      ELSE RAISE(ABORT, 'ardso: this request is owned by another server: change it there, or have it returned')
    END;
END;

-- free to delete: create trigger dso_guard_repair_d on table repair
CREATE TRIGGER "dso_guard_repair_d"
BEFORE DELETE ON "repair"
WHEN OLD."dso_master_flag" = 0
  AND NOT EXISTS (SELECT 1 FROM dso_checkpoint WHERE open = 1)
  AND NOT COALESCE((
    SELECT CASE
      WHEN to_mapping IN ('m1', 'm2') THEN 1
      WHEN to_mapping IN ('strict') THEN 0
      WHEN from_mapping IN ('it''s m1') THEN 1
      ELSE 0
    END
    FROM dso_owner
    WHERE form = 'Repair'
      AND request = CAST(OLD."id" AS TEXT)
      AND deleted = 0
  ), OLD."dso_from_mapping" COLLATE BINARY IN ('it''s m1'), 0)
BEGIN
  SELECT CASE OLD."dso_current_server"
      WHEN 'a' THEN RAISE(ABORT, 'ardso: this request is owned by another server (a): change it there, or have it returned')
      WHEN 'b' THEN RAISE(ABORT, 'ardso: this request is owned by another server (b): change it there, or have it returned')
      WHEN 'o''hare' THEN RAISE(ABORT, 'ardso: this request is owned by another server (o''hare): change it there, or have it returned')
      ELSE RAISE(ABORT, 'ardso: this request is owned by another server: change it there, or have it returned')
    END;
END;

