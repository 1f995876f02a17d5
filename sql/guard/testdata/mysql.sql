-- basic: create trigger dso_guard_repair_i on table repair
CREATE TRIGGER `dso_guard_repair_i`
BEFORE INSERT ON `repair`
FOR EACH ROW
`dso_guard_repair_i`: BEGIN
  IF NEW.`dso_master_flag` = 0 AND @ardso_writer IS NULL THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'ardso: a new request is owned where it is made: leave Master Flag empty, or set it to Yes';
  END IF;
END;

-- basic: create trigger dso_guard_repair_u on table repair
CREATE TRIGGER `dso_guard_repair_u`
BEFORE UPDATE ON `repair`
FOR EACH ROW
`dso_guard_repair_u`: BEGIN
  DECLARE refusal VARCHAR(300) CHARACTER SET utf8mb4;
  IF @ardso_writer IS NULL THEN
    SET refusal = CASE
      WHEN OLD.`dso_master_flag` = 0 THEN CONCAT('ardso: this request is owned by another server', COALESCE(CONCAT(' (', NULLIF(LEFT((
        SELECT MAX(o.to_server)
        FROM `dso_owner` o
        WHERE o.form = 'Repair'
          AND o.request = CONVERT(OLD.`id` USING utf8mb4) COLLATE utf8mb4_bin
          AND o.deleted = 0
      ), 40), ''), ')'), ''), ': change it there, or have it returned')
      WHEN NOT (NULLIF(CAST(OLD.`dso_transfer_status` AS BINARY), '') <=> NULLIF(CAST(NEW.`dso_transfer_status` AS BINARY), '')) THEN 'ardso: field "Transfer Status" (301) is changed by transfers and returns alone: leave it as it is'
      WHEN NOT (NULLIF(CAST(OLD.`dso_update_status` AS BINARY), '') <=> NULLIF(CAST(NEW.`dso_update_status` AS BINARY), '')) THEN 'ardso: field "Update Status" (302) is changed by transfers and returns alone: leave it as it is'
      WHEN NOT (NULLIF(CAST(OLD.`dso_master_flag` AS BINARY), '') <=> NULLIF(CAST(NEW.`dso_master_flag` AS BINARY), '')) THEN 'ardso: field "Master Flag" (303) is changed by transfers and returns alone: leave it as it is'
      WHEN NOT (NULLIF(CAST(OLD.`dso_from_mapping` AS BINARY), '') <=> NULLIF(CAST(NEW.`dso_from_mapping` AS BINARY), '')) THEN 'ardso: field "From Mapping" (306) is changed by transfers and returns alone: leave it as it is'
      WHEN NOT (NULLIF(CAST(OLD.`dso_from_request_id` AS BINARY), '') <=> NULLIF(CAST(NEW.`dso_from_request_id` AS BINARY), '')) THEN 'ardso: field "From Request ID" (307) is changed by transfers and returns alone: leave it as it is'
      WHEN NOT (NULLIF(CAST(OLD.`dso_from_form` AS BINARY), '') <=> NULLIF(CAST(NEW.`dso_from_form` AS BINARY), '')) THEN 'ardso: field "From Form" (310) is changed by transfers and returns alone: leave it as it is'
      WHEN NOT (NULLIF(CAST(OLD.`dso_from_server` AS BINARY), '') <=> NULLIF(CAST(NEW.`dso_from_server` AS BINARY), '')) THEN 'ardso: field "From Server" (311) is changed by transfers and returns alone: leave it as it is'
      WHEN NOT (NULLIF(CAST(OLD.`dso_from_pool` AS BINARY), '') <=> NULLIF(CAST(NEW.`dso_from_pool` AS BINARY), '')) THEN 'ardso: field "From Pool" (318) is changed by transfers and returns alone: leave it as it is'
    END;
    IF refusal IS NOT NULL THEN
      SET refusal = LEFT(refusal, 128);
      SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = refusal;
    END IF;
  END IF;
END;

-- basic: create trigger dso_guard_repair_d on table repair
CREATE TRIGGER `dso_guard_repair_d`
BEFORE DELETE ON `repair`
FOR EACH ROW
`dso_guard_repair_d`: BEGIN
  DECLARE refusal VARCHAR(300) CHARACTER SET utf8mb4;
  IF OLD.`dso_master_flag` = 0 AND @ardso_writer IS NULL THEN
    SET refusal = LEFT(CONCAT('ardso: this request is owned by another server', COALESCE(CONCAT(' (', NULLIF(LEFT((
        SELECT MAX(o.to_server)
        FROM `dso_owner` o
        WHERE o.form = 'Repair'
          AND o.request = CONVERT(OLD.`id` USING utf8mb4) COLLATE utf8mb4_bin
          AND o.deleted = 0
      ), 40), ''), ')'), ''), ': change it there, or have it returned'), 128);
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = refusal;
  END IF;
END;

-- full: create trigger dso_guard_repair_i on table repair
CREATE TRIGGER `dso_guard_repair_i`
BEFORE INSERT ON `repair`
FOR EACH ROW
`dso_guard_repair_i`: BEGIN
  IF NEW.`dso_master_flag` = 0 AND @ardso_writer IS NULL THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'ardso: a new request is owned where it is made: leave Master Flag empty, or set it to Yes';
  END IF;
END;

-- full: create trigger dso_guard_repair_u on table repair
CREATE TRIGGER `dso_guard_repair_u`
BEFORE UPDATE ON `repair`
FOR EACH ROW
`dso_guard_repair_u`: BEGIN
  DECLARE refusal VARCHAR(300) CHARACTER SET utf8mb4;
  IF @ardso_writer IS NULL THEN
    SET refusal = CASE
      WHEN OLD.`dso_master_flag` = 0 THEN CONCAT('ardso: this request is owned by another server', COALESCE(CONCAT(' (', NULLIF(LEFT(OLD.`dso_current_server`, 40), ''), ')'), ''), ': change it there, or have it returned')
      WHEN NOT (NULLIF(CAST(OLD.`dso_transfer_status` AS BINARY), '') <=> NULLIF(CAST(NEW.`dso_transfer_status` AS BINARY), '')) THEN 'ardso: field "Transfer Status" (301) is changed by transfers and returns alone: leave it as it is'
      WHEN NOT (NULLIF(CAST(OLD.`dso_update_status` AS BINARY), '') <=> NULLIF(CAST(NEW.`dso_update_status` AS BINARY), '')) THEN 'ardso: field "Update Status" (302) is changed by transfers and returns alone: leave it as it is'
      WHEN NOT (NULLIF(CAST(OLD.`dso_master_flag` AS BINARY), '') <=> NULLIF(CAST(NEW.`dso_master_flag` AS BINARY), '')) THEN 'ardso: field "Master Flag" (303) is changed by transfers and returns alone: leave it as it is'
      WHEN NOT (NULLIF(CAST(OLD.`dso_current_form` AS BINARY), '') <=> NULLIF(CAST(NEW.`dso_current_form` AS BINARY), '')) THEN 'ardso: field "Current Form" (304) is changed by transfers and returns alone: leave it as it is'
      WHEN NOT (NULLIF(CAST(OLD.`dso_current_server` AS BINARY), '') <=> NULLIF(CAST(NEW.`dso_current_server` AS BINARY), '')) THEN 'ardso: field "Current Server" (305) is changed by transfers and returns alone: leave it as it is'
      WHEN NOT (NULLIF(CAST(OLD.`dso_from_mapping` AS BINARY), '') <=> NULLIF(CAST(NEW.`dso_from_mapping` AS BINARY), '')) THEN 'ardso: field "From Mapping" (306) is changed by transfers and returns alone: leave it as it is'
      WHEN NOT (NULLIF(CAST(OLD.`dso_from_request_id` AS BINARY), '') <=> NULLIF(CAST(NEW.`dso_from_request_id` AS BINARY), '')) THEN 'ardso: field "From Request ID" (307) is changed by transfers and returns alone: leave it as it is'
      WHEN NOT (NULLIF(CAST(OLD.`dso_to_request_id` AS BINARY), '') <=> NULLIF(CAST(NEW.`dso_to_request_id` AS BINARY), '')) THEN 'ardso: field "To Request ID" (308) is changed by transfers and returns alone: leave it as it is'
      WHEN NOT (NULLIF(CAST(OLD.`dso_mapping_history` AS BINARY), '') <=> NULLIF(CAST(NEW.`dso_mapping_history` AS BINARY), '')) THEN 'ardso: field "Mapping History" (309) is changed by transfers and returns alone: leave it as it is'
      WHEN NOT (NULLIF(CAST(OLD.`dso_from_form` AS BINARY), '') <=> NULLIF(CAST(NEW.`dso_from_form` AS BINARY), '')) THEN 'ardso: field "From Form" (310) is changed by transfers and returns alone: leave it as it is'
      WHEN NOT (NULLIF(CAST(OLD.`dso_from_server` AS BINARY), '') <=> NULLIF(CAST(NEW.`dso_from_server` AS BINARY), '')) THEN 'ardso: field "From Server" (311) is changed by transfers and returns alone: leave it as it is'
      WHEN NOT (NULLIF(CAST(OLD.`dso_from_pool` AS BINARY), '') <=> NULLIF(CAST(NEW.`dso_from_pool` AS BINARY), '')) THEN 'ardso: field "From Pool" (318) is changed by transfers and returns alone: leave it as it is'
    END;
    IF refusal IS NOT NULL THEN
      SET refusal = LEFT(refusal, 128);
      SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = refusal;
    END IF;
  END IF;
END;

-- full: create trigger dso_guard_repair_d on table repair
CREATE TRIGGER `dso_guard_repair_d`
BEFORE DELETE ON `repair`
FOR EACH ROW
`dso_guard_repair_d`: BEGIN
  DECLARE refusal VARCHAR(300) CHARACTER SET utf8mb4;
  IF OLD.`dso_master_flag` = 0 AND @ardso_writer IS NULL THEN
    SET refusal = LEFT(CONCAT('ardso: this request is owned by another server', COALESCE(CONCAT(' (', NULLIF(LEFT(OLD.`dso_current_server`, 40), ''), ')'), ''), ': change it there, or have it returned'), 128);
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = refusal;
  END IF;
END;

-- free to delete: create trigger dso_guard_repair_d on table repair
CREATE TRIGGER `dso_guard_repair_d`
BEFORE DELETE ON `repair`
FOR EACH ROW
`dso_guard_repair_d`: BEGIN
  DECLARE refusal VARCHAR(300) CHARACTER SET utf8mb4;
  IF OLD.`dso_master_flag` = 0 AND @ardso_writer IS NULL AND NOT COALESCE((
    SELECT MAX(CASE
      WHEN o.to_mapping IN ('m1', 'm2') THEN 1
      WHEN o.to_mapping IN ('strict') THEN 0
      WHEN o.from_mapping IN ('it''s m1') THEN 1
      ELSE 0
    END)
    FROM `dso_owner` o
    WHERE o.form = 'Repair'
      AND o.request = CONVERT(OLD.`id` USING utf8mb4) COLLATE utf8mb4_bin
      AND o.deleted = 0
  ), CONVERT(OLD.`dso_from_mapping` USING utf8mb4) COLLATE utf8mb4_bin IN ('it''s m1'), 0) THEN
    SET refusal = LEFT(CONCAT('ardso: this request is owned by another server', COALESCE(CONCAT(' (', NULLIF(LEFT(OLD.`dso_current_server`, 40), ''), ')'), ''), ': change it there, or have it returned'), 128);
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = refusal;
  END IF;
END;

