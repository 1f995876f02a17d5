-- plain: add advanced
-- * add 22 columns to table repair
/* ardso fields */ ALTER TABLE "repair"
  ADD COLUMN "dso_to_mapping" varchar(254),
  ADD COLUMN "dso_transfer_status" integer,
  ADD COLUMN "dso_update_status" integer,
  ADD COLUMN "dso_master_flag" integer,
  ADD COLUMN "dso_current_form" varchar(254),
  ADD COLUMN "dso_current_server" varchar(64),
  ADD COLUMN "dso_from_mapping" varchar(254),
  ADD COLUMN "dso_from_request_id" varchar(255),
  ADD COLUMN "dso_to_request_id" varchar(255),
  ADD COLUMN "dso_mapping_history" text,
  ADD COLUMN "dso_from_form" varchar(254),
  ADD COLUMN "dso_from_server" varchar(64),
  ADD COLUMN "dso_to_form" varchar(254),
  ADD COLUMN "dso_to_server" varchar(64),
  ADD COLUMN "dso_when_to_update" integer,
  ADD COLUMN "dso_transfer_mode" integer,
  ADD COLUMN "dso_duplicate_request_id_action" integer,
  ADD COLUMN "dso_max_time_to_retry" integer,
  ADD COLUMN "dso_from_pool" varchar(80),
  ADD COLUMN "dso_enforce_pattern_matching" integer,
  ADD COLUMN "dso_require_required_fields" integer,
  ADD COLUMN "dso_matching_qualification" text;
-- plain: remove basic
-- * drop 22 columns of table repair
/* ardso fields */ ALTER TABLE "repair"
  DROP COLUMN "dso_to_mapping",
  DROP COLUMN "dso_transfer_status",
  DROP COLUMN "dso_update_status",
  DROP COLUMN "dso_master_flag",
  DROP COLUMN "dso_current_form",
  DROP COLUMN "dso_current_server",
  DROP COLUMN "dso_from_mapping",
  DROP COLUMN "dso_from_request_id",
  DROP COLUMN "dso_to_request_id",
  DROP COLUMN "dso_mapping_history",
  DROP COLUMN "dso_from_form",
  DROP COLUMN "dso_from_server",
  DROP COLUMN "dso_to_form",
  DROP COLUMN "dso_to_server",
  DROP COLUMN "dso_when_to_update",
  DROP COLUMN "dso_transfer_mode",
  DROP COLUMN "dso_duplicate_request_id_action",
  DROP COLUMN "dso_max_time_to_retry",
  DROP COLUMN "dso_from_pool",
  DROP COLUMN "dso_enforce_pattern_matching",
  DROP COLUMN "dso_require_required_fields",
  DROP COLUMN "dso_matching_qualification";
-- ar: add basic
-- * add 8 columns to table t1001
/* ardso fields */ ALTER TABLE "t1001"
  ADD COLUMN "c301" integer,
  ADD COLUMN "c302" integer,
  ADD COLUMN "c303" integer,
  ADD COLUMN "c306" varchar(254),
  ADD COLUMN "c307" varchar(15),
  ADD COLUMN "c310" varchar(254),
  ADD COLUMN "c311" varchar(64),
  ADD COLUMN "c318" varchar(80);
-- * enter 8 fields into AR System's dictionary
/* ardso fields */ INSERT INTO "field" ("schemaid", "fieldid", "fieldname", "fieldtype", "datatype", "foption", "defaultvalue", "fboption", "createmode", "owner", "timestamp", "helptext", "overlayprop")
SELECT 1001, 301, 'Transfer Status', "fieldtype", 6, 2, NULL, "fboption", "createmode", "owner", 1800000000, '', "overlayprop"
FROM "field"
WHERE "schemaid" = 1001 AND "fieldid" = 8;
/* ardso fields */ INSERT INTO "field_enum" ("schemaid", "fieldid", "enumstyle", "maxenum")
SELECT 1001, 301, 1, 5
FROM "field_enum"
WHERE "schemaid" = 1001 AND "fieldid" = 7;
/* ardso fields */ INSERT INTO "field_enum_values" ("schemaid", "fieldid", "enumid", "value")
SELECT 1001, 301, 0, 'Success'
FROM "field_enum_values"
WHERE "schemaid" = 1001 AND "fieldid" = 7 AND "enumid" = 0;
/* ardso fields */ INSERT INTO "field_enum_values" ("schemaid", "fieldid", "enumid", "value")
SELECT 1001, 301, 1, 'Retry'
FROM "field_enum_values"
WHERE "schemaid" = 1001 AND "fieldid" = 7 AND "enumid" = 0;
/* ardso fields */ INSERT INTO "field_enum_values" ("schemaid", "fieldid", "enumid", "value")
SELECT 1001, 301, 2, 'Failure'
FROM "field_enum_values"
WHERE "schemaid" = 1001 AND "fieldid" = 7 AND "enumid" = 0;
/* ardso fields */ INSERT INTO "field_enum_values" ("schemaid", "fieldid", "enumid", "value")
SELECT 1001, 301, 3, 'Timeout'
FROM "field_enum_values"
WHERE "schemaid" = 1001 AND "fieldid" = 7 AND "enumid" = 0;
/* ardso fields */ INSERT INTO "field_enum_values" ("schemaid", "fieldid", "enumid", "value")
SELECT 1001, 301, 4, 'Canceled'
FROM "field_enum_values"
WHERE "schemaid" = 1001 AND "fieldid" = 7 AND "enumid" = 0;
/* ardso fields */ INSERT INTO "field" ("schemaid", "fieldid", "fieldname", "fieldtype", "datatype", "foption", "defaultvalue", "fboption", "createmode", "owner", "timestamp", "helptext", "overlayprop")
SELECT 1001, 302, 'Update Status', "fieldtype", 6, 2, NULL, "fboption", "createmode", "owner", 1800000000, '', "overlayprop"
FROM "field"
WHERE "schemaid" = 1001 AND "fieldid" = 8;
/* ardso fields */ INSERT INTO "field_enum" ("schemaid", "fieldid", "enumstyle", "maxenum")
SELECT 1001, 302, 1, 6
FROM "field_enum"
WHERE "schemaid" = 1001 AND "fieldid" = 7;
/* ardso fields */ INSERT INTO "field_enum_values" ("schemaid", "fieldid", "enumid", "value")
SELECT 1001, 302, 0, 'Success'
FROM "field_enum_values"
WHERE "schemaid" = 1001 AND "fieldid" = 7 AND "enumid" = 0;
/* ardso fields */ INSERT INTO "field_enum_values" ("schemaid", "fieldid", "enumid", "value")
SELECT 1001, 302, 1, 'Waiting'
FROM "field_enum_values"
WHERE "schemaid" = 1001 AND "fieldid" = 7 AND "enumid" = 0;
/* ardso fields */ INSERT INTO "field_enum_values" ("schemaid", "fieldid", "enumid", "value")
SELECT 1001, 302, 2, 'Retry'
FROM "field_enum_values"
WHERE "schemaid" = 1001 AND "fieldid" = 7 AND "enumid" = 0;
/* ardso fields */ INSERT INTO "field_enum_values" ("schemaid", "fieldid", "enumid", "value")
SELECT 1001, 302, 3, 'Failure'
FROM "field_enum_values"
WHERE "schemaid" = 1001 AND "fieldid" = 7 AND "enumid" = 0;
/* ardso fields */ INSERT INTO "field_enum_values" ("schemaid", "fieldid", "enumid", "value")
SELECT 1001, 302, 4, 'Timeout'
FROM "field_enum_values"
WHERE "schemaid" = 1001 AND "fieldid" = 7 AND "enumid" = 0;
/* ardso fields */ INSERT INTO "field_enum_values" ("schemaid", "fieldid", "enumid", "value")
SELECT 1001, 302, 5, 'Canceled'
FROM "field_enum_values"
WHERE "schemaid" = 1001 AND "fieldid" = 7 AND "enumid" = 0;
/* ardso fields */ INSERT INTO "field" ("schemaid", "fieldid", "fieldname", "fieldtype", "datatype", "foption", "defaultvalue", "fboption", "createmode", "owner", "timestamp", "helptext", "overlayprop")
SELECT 1001, 303, 'Master Flag', "fieldtype", 6, 2, NULL, "fboption", "createmode", "owner", 1800000000, '', "overlayprop"
FROM "field"
WHERE "schemaid" = 1001 AND "fieldid" = 8;
/* ardso fields */ INSERT INTO "field_enum" ("schemaid", "fieldid", "enumstyle", "maxenum")
SELECT 1001, 303, 1, 2
FROM "field_enum"
WHERE "schemaid" = 1001 AND "fieldid" = 7;
/* ardso fields */ INSERT INTO "field_enum_values" ("schemaid", "fieldid", "enumid", "value")
SELECT 1001, 303, 0, 'No'
FROM "field_enum_values"
WHERE "schemaid" = 1001 AND "fieldid" = 7 AND "enumid" = 0;
/* ardso fields */ INSERT INTO "field_enum_values" ("schemaid", "fieldid", "enumid", "value")
SELECT 1001, 303, 1, 'Yes'
FROM "field_enum_values"
WHERE "schemaid" = 1001 AND "fieldid" = 7 AND "enumid" = 0;
/* ardso fields */ INSERT INTO "field" ("schemaid", "fieldid", "fieldname", "fieldtype", "datatype", "foption", "defaultvalue", "fboption", "createmode", "owner", "timestamp", "helptext", "overlayprop")
SELECT 1001, 306, 'From Mapping', "fieldtype", 4, 2, NULL, "fboption", "createmode", "owner", 1800000000, '', "overlayprop"
FROM "field"
WHERE "schemaid" = 1001 AND "fieldid" = 8;
/* ardso fields */ INSERT INTO "field_char" ("schemaid", "fieldid", "maxlength", "pattern", "lengthunits", "qbematchop", "charmenu")
SELECT 1001, 306, 254, NULL, 1, "qbematchop", NULL
FROM "field_char"
WHERE "schemaid" = 1001 AND "fieldid" = 8;
/* ardso fields */ INSERT INTO "field" ("schemaid", "fieldid", "fieldname", "fieldtype", "datatype", "foption", "defaultvalue", "fboption", "createmode", "owner", "timestamp", "helptext", "overlayprop")
SELECT 1001, 307, 'From Request ID', "fieldtype", 4, 2, NULL, "fboption", "createmode", "owner", 1800000000, '', "overlayprop"
FROM "field"
WHERE "schemaid" = 1001 AND "fieldid" = 8;
/* ardso fields */ INSERT INTO "field_char" ("schemaid", "fieldid", "maxlength", "pattern", "lengthunits", "qbematchop", "charmenu")
SELECT 1001, 307, 15, NULL, 1, "qbematchop", NULL
FROM "field_char"
WHERE "schemaid" = 1001 AND "fieldid" = 8;
/* ardso fields */ INSERT INTO "field" ("schemaid", "fieldid", "fieldname", "fieldtype", "datatype", "foption", "defaultvalue", "fboption", "createmode", "owner", "timestamp", "helptext", "overlayprop")
SELECT 1001, 310, 'From Form', "fieldtype", 4, 2, NULL, "fboption", "createmode", "owner", 1800000000, '', "overlayprop"
FROM "field"
WHERE "schemaid" = 1001 AND "fieldid" = 8;
/* ardso fields */ INSERT INTO "field_char" ("schemaid", "fieldid", "maxlength", "pattern", "lengthunits", "qbematchop", "charmenu")
SELECT 1001, 310, 254, NULL, 1, "qbematchop", NULL
FROM "field_char"
WHERE "schemaid" = 1001 AND "fieldid" = 8;
/* ardso fields */ INSERT INTO "field" ("schemaid", "fieldid", "fieldname", "fieldtype", "datatype", "foption", "defaultvalue", "fboption", "createmode", "owner", "timestamp", "helptext", "overlayprop")
SELECT 1001, 311, 'From Server', "fieldtype", 4, 2, NULL, "fboption", "createmode", "owner", 1800000000, '', "overlayprop"
FROM "field"
WHERE "schemaid" = 1001 AND "fieldid" = 8;
/* ardso fields */ INSERT INTO "field_char" ("schemaid", "fieldid", "maxlength", "pattern", "lengthunits", "qbematchop", "charmenu")
SELECT 1001, 311, 64, NULL, 1, "qbematchop", NULL
FROM "field_char"
WHERE "schemaid" = 1001 AND "fieldid" = 8;
/* ardso fields */ INSERT INTO "field" ("schemaid", "fieldid", "fieldname", "fieldtype", "datatype", "foption", "defaultvalue", "fboption", "createmode", "owner", "timestamp", "helptext", "overlayprop")
SELECT 1001, 318, 'From Pool', "fieldtype", 4, 2, NULL, "fboption", "createmode", "owner", 1800000000, '', "overlayprop"
FROM "field"
WHERE "schemaid" = 1001 AND "fieldid" = 8;
/* ardso fields */ INSERT INTO "field_char" ("schemaid", "fieldid", "maxlength", "pattern", "lengthunits", "qbematchop", "charmenu")
SELECT 1001, 318, 80, NULL, 1, "qbematchop", NULL
FROM "field_char"
WHERE "schemaid" = 1001 AND "fieldid" = 8;
/* ardso fields: the form was changed, so that servers which compare times see it */ UPDATE "arschema"
SET "timestamp" = 1800000000, "lastchanged" = 'Distributed Server', "numfields" = "numfields" + 8
WHERE "schemaid" = 1001;
-- ar: remove basic
-- * strike 8 fields from AR System's dictionary
/* ardso fields */ DELETE FROM "field_int"
WHERE "schemaid" = 1001 AND "fieldid" IN (301, 302, 303, 306, 307, 310, 311, 318);
/* ardso fields */ DELETE FROM "field_real"
WHERE "schemaid" = 1001 AND "fieldid" IN (301, 302, 303, 306, 307, 310, 311, 318);
/* ardso fields */ DELETE FROM "field_char"
WHERE "schemaid" = 1001 AND "fieldid" IN (301, 302, 303, 306, 307, 310, 311, 318);
/* ardso fields */ DELETE FROM "field_dec"
WHERE "schemaid" = 1001 AND "fieldid" IN (301, 302, 303, 306, 307, 310, 311, 318);
/* ardso fields */ DELETE FROM "field_enum"
WHERE "schemaid" = 1001 AND "fieldid" IN (301, 302, 303, 306, 307, 310, 311, 318);
/* ardso fields */ DELETE FROM "field_enum_values"
WHERE "schemaid" = 1001 AND "fieldid" IN (301, 302, 303, 306, 307, 310, 311, 318);
/* ardso fields */ DELETE FROM "field"
WHERE "schemaid" = 1001 AND "fieldid" IN (301, 302, 303, 306, 307, 310, 311, 318);
/* ardso fields: the form was changed, so that servers which compare times see it */ UPDATE "arschema"
SET "timestamp" = 1800000000, "lastchanged" = 'Distributed Server', "numfields" = "numfields" + -8
WHERE "schemaid" = 1001;
-- * drop 8 columns of table t1001
/* ardso fields */ ALTER TABLE "t1001"
  DROP COLUMN "c301",
  DROP COLUMN "c302",
  DROP COLUMN "c303",
  DROP COLUMN "c306",
  DROP COLUMN "c307",
  DROP COLUMN "c310",
  DROP COLUMN "c311",
  DROP COLUMN "c318";
