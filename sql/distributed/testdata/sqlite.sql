-- plain: add advanced
-- * add 22 columns to table repair
/* ardso fields */ ALTER TABLE "repair"
  ADD COLUMN "dso_to_mapping" VARCHAR(254);
/* ardso fields */ ALTER TABLE "repair"
  ADD COLUMN "dso_transfer_status" INTEGER;
/* ardso fields */ ALTER TABLE "repair"
  ADD COLUMN "dso_update_status" INTEGER;
/* ardso fields */ ALTER TABLE "repair"
  ADD COLUMN "dso_master_flag" INTEGER;
/* ardso fields */ ALTER TABLE "repair"
  ADD COLUMN "dso_current_form" VARCHAR(254);
/* ardso fields */ ALTER TABLE "repair"
  ADD COLUMN "dso_current_server" VARCHAR(64);
/* ardso fields */ ALTER TABLE "repair"
  ADD COLUMN "dso_from_mapping" VARCHAR(254);
/* ardso fields */ ALTER TABLE "repair"
  ADD COLUMN "dso_from_request_id" VARCHAR(255);
/* ardso fields */ ALTER TABLE "repair"
  ADD COLUMN "dso_to_request_id" VARCHAR(255);
/* ardso fields */ ALTER TABLE "repair"
  ADD COLUMN "dso_mapping_history" TEXT;
/* ardso fields */ ALTER TABLE "repair"
  ADD COLUMN "dso_from_form" VARCHAR(254);
/* ardso fields */ ALTER TABLE "repair"
  ADD COLUMN "dso_from_server" VARCHAR(64);
/* ardso fields */ ALTER TABLE "repair"
  ADD COLUMN "dso_to_form" VARCHAR(254);
/* ardso fields */ ALTER TABLE "repair"
  ADD COLUMN "dso_to_server" VARCHAR(64);
/* ardso fields */ ALTER TABLE "repair"
  ADD COLUMN "dso_when_to_update" INTEGER;
/* ardso fields */ ALTER TABLE "repair"
  ADD COLUMN "dso_transfer_mode" INTEGER;
/* ardso fields */ ALTER TABLE "repair"
  ADD COLUMN "dso_duplicate_request_id_action" INTEGER;
/* ardso fields */ ALTER TABLE "repair"
  ADD COLUMN "dso_max_time_to_retry" INTEGER;
/* ardso fields */ ALTER TABLE "repair"
  ADD COLUMN "dso_from_pool" VARCHAR(80);
/* ardso fields */ ALTER TABLE "repair"
  ADD COLUMN "dso_enforce_pattern_matching" INTEGER;
/* ardso fields */ ALTER TABLE "repair"
  ADD COLUMN "dso_require_required_fields" INTEGER;
/* ardso fields */ ALTER TABLE "repair"
  ADD COLUMN "dso_matching_qualification" TEXT;
-- plain: remove basic
-- * drop 22 columns of table repair
/* ardso fields */ ALTER TABLE "repair"
  DROP COLUMN "dso_to_mapping";
/* ardso fields */ ALTER TABLE "repair"
  DROP COLUMN "dso_transfer_status";
/* ardso fields */ ALTER TABLE "repair"
  DROP COLUMN "dso_update_status";
/* ardso fields */ ALTER TABLE "repair"
  DROP COLUMN "dso_master_flag";
/* ardso fields */ ALTER TABLE "repair"
  DROP COLUMN "dso_current_form";
/* ardso fields */ ALTER TABLE "repair"
  DROP COLUMN "dso_current_server";
/* ardso fields */ ALTER TABLE "repair"
  DROP COLUMN "dso_from_mapping";
/* ardso fields */ ALTER TABLE "repair"
  DROP COLUMN "dso_from_request_id";
/* ardso fields */ ALTER TABLE "repair"
  DROP COLUMN "dso_to_request_id";
/* ardso fields */ ALTER TABLE "repair"
  DROP COLUMN "dso_mapping_history";
/* ardso fields */ ALTER TABLE "repair"
  DROP COLUMN "dso_from_form";
/* ardso fields */ ALTER TABLE "repair"
  DROP COLUMN "dso_from_server";
/* ardso fields */ ALTER TABLE "repair"
  DROP COLUMN "dso_to_form";
/* ardso fields */ ALTER TABLE "repair"
  DROP COLUMN "dso_to_server";
/* ardso fields */ ALTER TABLE "repair"
  DROP COLUMN "dso_when_to_update";
/* ardso fields */ ALTER TABLE "repair"
  DROP COLUMN "dso_transfer_mode";
/* ardso fields */ ALTER TABLE "repair"
  DROP COLUMN "dso_duplicate_request_id_action";
/* ardso fields */ ALTER TABLE "repair"
  DROP COLUMN "dso_max_time_to_retry";
/* ardso fields */ ALTER TABLE "repair"
  DROP COLUMN "dso_from_pool";
/* ardso fields */ ALTER TABLE "repair"
  DROP COLUMN "dso_enforce_pattern_matching";
/* ardso fields */ ALTER TABLE "repair"
  DROP COLUMN "dso_require_required_fields";
/* ardso fields */ ALTER TABLE "repair"
  DROP COLUMN "dso_matching_qualification";
-- ar: add basic
-- * add 8 columns to table T1001
/* ardso fields */ ALTER TABLE "T1001"
  ADD COLUMN "C301" INTEGER;
/* ardso fields */ ALTER TABLE "T1001"
  ADD COLUMN "C302" INTEGER;
/* ardso fields */ ALTER TABLE "T1001"
  ADD COLUMN "C303" INTEGER;
/* ardso fields */ ALTER TABLE "T1001"
  ADD COLUMN "C306" VARCHAR(254);
/* ardso fields */ ALTER TABLE "T1001"
  ADD COLUMN "C307" VARCHAR(15);
/* ardso fields */ ALTER TABLE "T1001"
  ADD COLUMN "C310" VARCHAR(254);
/* ardso fields */ ALTER TABLE "T1001"
  ADD COLUMN "C311" VARCHAR(64);
/* ardso fields */ ALTER TABLE "T1001"
  ADD COLUMN "C318" VARCHAR(80);
-- * enter 8 fields into AR System's dictionary
/* ardso fields */ INSERT INTO "field" ("schemaId", "fieldId", "fieldName", "fieldType", "datatype", "fOption", "defaultValue", "fbOption", "createMode", "owner", "timestamp", "helpText", "overlayProp")
SELECT 1001, 301, 'Transfer Status', "fieldType", 6, 2, NULL, "fbOption", "createMode", "owner", 1800000000, '', "overlayProp"
FROM "field"
WHERE "schemaId" = 1001 AND "fieldId" = 8;
/* ardso fields */ INSERT INTO "field_enum" ("schemaId", "fieldId", "enumStyle", "maxEnum")
SELECT 1001, 301, 1, 5
FROM "field_enum"
WHERE "schemaId" = 1001 AND "fieldId" = 7;
/* ardso fields */ INSERT INTO "field_enum_values" ("schemaId", "fieldId", "enumId", "value")
SELECT 1001, 301, 0, 'Success'
FROM "field_enum_values"
WHERE "schemaId" = 1001 AND "fieldId" = 7 AND "enumId" = 0;
/* ardso fields */ INSERT INTO "field_enum_values" ("schemaId", "fieldId", "enumId", "value")
SELECT 1001, 301, 1, 'Retry'
FROM "field_enum_values"
WHERE "schemaId" = 1001 AND "fieldId" = 7 AND "enumId" = 0;
/* ardso fields */ INSERT INTO "field_enum_values" ("schemaId", "fieldId", "enumId", "value")
SELECT 1001, 301, 2, 'Failure'
FROM "field_enum_values"
WHERE "schemaId" = 1001 AND "fieldId" = 7 AND "enumId" = 0;
/* ardso fields */ INSERT INTO "field_enum_values" ("schemaId", "fieldId", "enumId", "value")
SELECT 1001, 301, 3, 'Timeout'
FROM "field_enum_values"
WHERE "schemaId" = 1001 AND "fieldId" = 7 AND "enumId" = 0;
/* ardso fields */ INSERT INTO "field_enum_values" ("schemaId", "fieldId", "enumId", "value")
SELECT 1001, 301, 4, 'Canceled'
FROM "field_enum_values"
WHERE "schemaId" = 1001 AND "fieldId" = 7 AND "enumId" = 0;
/* ardso fields */ INSERT INTO "field" ("schemaId", "fieldId", "fieldName", "fieldType", "datatype", "fOption", "defaultValue", "fbOption", "createMode", "owner", "timestamp", "helpText", "overlayProp")
SELECT 1001, 302, 'Update Status', "fieldType", 6, 2, NULL, "fbOption", "createMode", "owner", 1800000000, '', "overlayProp"
FROM "field"
WHERE "schemaId" = 1001 AND "fieldId" = 8;
/* ardso fields */ INSERT INTO "field_enum" ("schemaId", "fieldId", "enumStyle", "maxEnum")
SELECT 1001, 302, 1, 6
FROM "field_enum"
WHERE "schemaId" = 1001 AND "fieldId" = 7;
/* ardso fields */ INSERT INTO "field_enum_values" ("schemaId", "fieldId", "enumId", "value")
SELECT 1001, 302, 0, 'Success'
FROM "field_enum_values"
WHERE "schemaId" = 1001 AND "fieldId" = 7 AND "enumId" = 0;
/* ardso fields */ INSERT INTO "field_enum_values" ("schemaId", "fieldId", "enumId", "value")
SELECT 1001, 302, 1, 'Waiting'
FROM "field_enum_values"
WHERE "schemaId" = 1001 AND "fieldId" = 7 AND "enumId" = 0;
/* ardso fields */ INSERT INTO "field_enum_values" ("schemaId", "fieldId", "enumId", "value")
SELECT 1001, 302, 2, 'Retry'
FROM "field_enum_values"
WHERE "schemaId" = 1001 AND "fieldId" = 7 AND "enumId" = 0;
/* ardso fields */ INSERT INTO "field_enum_values" ("schemaId", "fieldId", "enumId", "value")
SELECT 1001, 302, 3, 'Failure'
FROM "field_enum_values"
WHERE "schemaId" = 1001 AND "fieldId" = 7 AND "enumId" = 0;
/* ardso fields */ INSERT INTO "field_enum_values" ("schemaId", "fieldId", "enumId", "value")
SELECT 1001, 302, 4, 'Timeout'
FROM "field_enum_values"
WHERE "schemaId" = 1001 AND "fieldId" = 7 AND "enumId" = 0;
/* ardso fields */ INSERT INTO "field_enum_values" ("schemaId", "fieldId", "enumId", "value")
SELECT 1001, 302, 5, 'Canceled'
FROM "field_enum_values"
WHERE "schemaId" = 1001 AND "fieldId" = 7 AND "enumId" = 0;
/* ardso fields */ INSERT INTO "field" ("schemaId", "fieldId", "fieldName", "fieldType", "datatype", "fOption", "defaultValue", "fbOption", "createMode", "owner", "timestamp", "helpText", "overlayProp")
SELECT 1001, 303, 'Master Flag', "fieldType", 6, 2, NULL, "fbOption", "createMode", "owner", 1800000000, '', "overlayProp"
FROM "field"
WHERE "schemaId" = 1001 AND "fieldId" = 8;
/* ardso fields */ INSERT INTO "field_enum" ("schemaId", "fieldId", "enumStyle", "maxEnum")
SELECT 1001, 303, 1, 2
FROM "field_enum"
WHERE "schemaId" = 1001 AND "fieldId" = 7;
/* ardso fields */ INSERT INTO "field_enum_values" ("schemaId", "fieldId", "enumId", "value")
SELECT 1001, 303, 0, 'No'
FROM "field_enum_values"
WHERE "schemaId" = 1001 AND "fieldId" = 7 AND "enumId" = 0;
/* ardso fields */ INSERT INTO "field_enum_values" ("schemaId", "fieldId", "enumId", "value")
SELECT 1001, 303, 1, 'Yes'
FROM "field_enum_values"
WHERE "schemaId" = 1001 AND "fieldId" = 7 AND "enumId" = 0;
/* ardso fields */ INSERT INTO "field" ("schemaId", "fieldId", "fieldName", "fieldType", "datatype", "fOption", "defaultValue", "fbOption", "createMode", "owner", "timestamp", "helpText", "overlayProp")
SELECT 1001, 306, 'From Mapping', "fieldType", 4, 2, NULL, "fbOption", "createMode", "owner", 1800000000, '', "overlayProp"
FROM "field"
WHERE "schemaId" = 1001 AND "fieldId" = 8;
/* ardso fields */ INSERT INTO "field_char" ("schemaId", "fieldId", "maxLength", "pattern", "lengthUnits", "qbeMatchOp", "charMenu")
SELECT 1001, 306, 254, NULL, 1, "qbeMatchOp", NULL
FROM "field_char"
WHERE "schemaId" = 1001 AND "fieldId" = 8;
/* ardso fields */ INSERT INTO "field" ("schemaId", "fieldId", "fieldName", "fieldType", "datatype", "fOption", "defaultValue", "fbOption", "createMode", "owner", "timestamp", "helpText", "overlayProp")
SELECT 1001, 307, 'From Request ID', "fieldType", 4, 2, NULL, "fbOption", "createMode", "owner", 1800000000, '', "overlayProp"
FROM "field"
WHERE "schemaId" = 1001 AND "fieldId" = 8;
/* ardso fields */ INSERT INTO "field_char" ("schemaId", "fieldId", "maxLength", "pattern", "lengthUnits", "qbeMatchOp", "charMenu")
SELECT 1001, 307, 15, NULL, 1, "qbeMatchOp", NULL
FROM "field_char"
WHERE "schemaId" = 1001 AND "fieldId" = 8;
/* ardso fields */ INSERT INTO "field" ("schemaId", "fieldId", "fieldName", "fieldType", "datatype", "fOption", "defaultValue", "fbOption", "createMode", "owner", "timestamp", "helpText", "overlayProp")
SELECT 1001, 310, 'From Form', "fieldType", 4, 2, NULL, "fbOption", "createMode", "owner", 1800000000, '', "overlayProp"
FROM "field"
WHERE "schemaId" = 1001 AND "fieldId" = 8;
/* ardso fields */ INSERT INTO "field_char" ("schemaId", "fieldId", "maxLength", "pattern", "lengthUnits", "qbeMatchOp", "charMenu")
SELECT 1001, 310, 254, NULL, 1, "qbeMatchOp", NULL
FROM "field_char"
WHERE "schemaId" = 1001 AND "fieldId" = 8;
/* ardso fields */ INSERT INTO "field" ("schemaId", "fieldId", "fieldName", "fieldType", "datatype", "fOption", "defaultValue", "fbOption", "createMode", "owner", "timestamp", "helpText", "overlayProp")
SELECT 1001, 311, 'From Server', "fieldType", 4, 2, NULL, "fbOption", "createMode", "owner", 1800000000, '', "overlayProp"
FROM "field"
WHERE "schemaId" = 1001 AND "fieldId" = 8;
/* ardso fields */ INSERT INTO "field_char" ("schemaId", "fieldId", "maxLength", "pattern", "lengthUnits", "qbeMatchOp", "charMenu")
SELECT 1001, 311, 64, NULL, 1, "qbeMatchOp", NULL
FROM "field_char"
WHERE "schemaId" = 1001 AND "fieldId" = 8;
/* ardso fields */ INSERT INTO "field" ("schemaId", "fieldId", "fieldName", "fieldType", "datatype", "fOption", "defaultValue", "fbOption", "createMode", "owner", "timestamp", "helpText", "overlayProp")
SELECT 1001, 318, 'From Pool', "fieldType", 4, 2, NULL, "fbOption", "createMode", "owner", 1800000000, '', "overlayProp"
FROM "field"
WHERE "schemaId" = 1001 AND "fieldId" = 8;
/* ardso fields */ INSERT INTO "field_char" ("schemaId", "fieldId", "maxLength", "pattern", "lengthUnits", "qbeMatchOp", "charMenu")
SELECT 1001, 318, 80, NULL, 1, "qbeMatchOp", NULL
FROM "field_char"
WHERE "schemaId" = 1001 AND "fieldId" = 8;
/* ardso fields: the form was changed, so that servers which compare times see it */ UPDATE "arschema"
SET "timestamp" = 1800000000, "lastChanged" = 'Distributed Server', "numFields" = "numFields" + 8
WHERE "schemaId" = 1001;
-- ar: remove basic
-- * strike 8 fields from AR System's dictionary
/* ardso fields */ DELETE FROM "field_int"
WHERE "schemaId" = 1001 AND "fieldId" IN (301, 302, 303, 306, 307, 310, 311, 318);
/* ardso fields */ DELETE FROM "field_real"
WHERE "schemaId" = 1001 AND "fieldId" IN (301, 302, 303, 306, 307, 310, 311, 318);
/* ardso fields */ DELETE FROM "field_char"
WHERE "schemaId" = 1001 AND "fieldId" IN (301, 302, 303, 306, 307, 310, 311, 318);
/* ardso fields */ DELETE FROM "field_dec"
WHERE "schemaId" = 1001 AND "fieldId" IN (301, 302, 303, 306, 307, 310, 311, 318);
/* ardso fields */ DELETE FROM "field_enum"
WHERE "schemaId" = 1001 AND "fieldId" IN (301, 302, 303, 306, 307, 310, 311, 318);
/* ardso fields */ DELETE FROM "field_enum_values"
WHERE "schemaId" = 1001 AND "fieldId" IN (301, 302, 303, 306, 307, 310, 311, 318);
/* ardso fields */ DELETE FROM "field"
WHERE "schemaId" = 1001 AND "fieldId" IN (301, 302, 303, 306, 307, 310, 311, 318);
/* ardso fields: the form was changed, so that servers which compare times see it */ UPDATE "arschema"
SET "timestamp" = 1800000000, "lastChanged" = 'Distributed Server', "numFields" = "numFields" + -8
WHERE "schemaId" = 1001;
-- * drop 8 columns of table T1001
/* ardso fields */ ALTER TABLE "T1001"
  DROP COLUMN "C301";
/* ardso fields */ ALTER TABLE "T1001"
  DROP COLUMN "C302";
/* ardso fields */ ALTER TABLE "T1001"
  DROP COLUMN "C303";
/* ardso fields */ ALTER TABLE "T1001"
  DROP COLUMN "C306";
/* ardso fields */ ALTER TABLE "T1001"
  DROP COLUMN "C307";
/* ardso fields */ ALTER TABLE "T1001"
  DROP COLUMN "C310";
/* ardso fields */ ALTER TABLE "T1001"
  DROP COLUMN "C311";
/* ardso fields */ ALTER TABLE "T1001"
  DROP COLUMN "C318";
