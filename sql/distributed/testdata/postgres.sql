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
-- ar: add advanced
-- * add 22 columns to table t1001
/* ardso fields */ ALTER TABLE "t1001"
  ADD COLUMN "c300" public.citext CHECK (char_length("c300") <= 254),
  ADD COLUMN "c301" integer,
  ADD COLUMN "c302" integer,
  ADD COLUMN "c303" integer,
  ADD COLUMN "c304" public.citext CHECK (char_length("c304") <= 254),
  ADD COLUMN "c305" public.citext CHECK (char_length("c305") <= 64),
  ADD COLUMN "c306" public.citext CHECK (char_length("c306") <= 254),
  ADD COLUMN "c307" public.citext CHECK (char_length("c307") <= 15),
  ADD COLUMN "c308" public.citext CHECK (char_length("c308") <= 15),
  ADD COLUMN "c309" public.citext,
  ADD COLUMN "c310" public.citext CHECK (char_length("c310") <= 254),
  ADD COLUMN "c311" public.citext CHECK (char_length("c311") <= 64),
  ADD COLUMN "c312" public.citext CHECK (char_length("c312") <= 254),
  ADD COLUMN "c313" public.citext CHECK (char_length("c313") <= 64),
  ADD COLUMN "c314" integer,
  ADD COLUMN "c315" integer,
  ADD COLUMN "c316" integer,
  ADD COLUMN "c317" integer,
  ADD COLUMN "c318" public.citext CHECK (char_length("c318") <= 80),
  ADD COLUMN "c319" integer,
  ADD COLUMN "c320" integer,
  ADD COLUMN "c321" public.citext;
-- * enter 22 fields into AR System's dictionary
/* ardso fields */ INSERT INTO "field" ("schemaid", "fieldid", "fieldname", "fieldtype", "datatype", "foption", "defaultvalue", "fboption", "createmode", "owner", "timestamp", "helptext", "overlayprop")
SELECT 1001, 300, 'To Mapping', "fieldtype", 4, 2, NULL, "fboption", "createmode", "owner", 1800000000, '', "overlayprop"
FROM "field"
WHERE "schemaid" = 1001 AND "fieldid" = 8;
/* ardso fields */ INSERT INTO "field_char" ("schemaid", "fieldid", "maxlength", "pattern", "lengthunits", "qbematchop", "charmenu")
SELECT 1001, 300, 254, NULL, 1, "qbematchop", NULL
FROM "field_char"
WHERE "schemaid" = 1001 AND "fieldid" = 8;
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
SELECT 1001, 304, 'Current Form', "fieldtype", 4, 2, NULL, "fboption", "createmode", "owner", 1800000000, '', "overlayprop"
FROM "field"
WHERE "schemaid" = 1001 AND "fieldid" = 8;
/* ardso fields */ INSERT INTO "field_char" ("schemaid", "fieldid", "maxlength", "pattern", "lengthunits", "qbematchop", "charmenu")
SELECT 1001, 304, 254, NULL, 1, "qbematchop", NULL
FROM "field_char"
WHERE "schemaid" = 1001 AND "fieldid" = 8;
/* ardso fields */ INSERT INTO "field" ("schemaid", "fieldid", "fieldname", "fieldtype", "datatype", "foption", "defaultvalue", "fboption", "createmode", "owner", "timestamp", "helptext", "overlayprop")
SELECT 1001, 305, 'Current Server', "fieldtype", 4, 2, NULL, "fboption", "createmode", "owner", 1800000000, '', "overlayprop"
FROM "field"
WHERE "schemaid" = 1001 AND "fieldid" = 8;
/* ardso fields */ INSERT INTO "field_char" ("schemaid", "fieldid", "maxlength", "pattern", "lengthunits", "qbematchop", "charmenu")
SELECT 1001, 305, 64, NULL, 1, "qbematchop", NULL
FROM "field_char"
WHERE "schemaid" = 1001 AND "fieldid" = 8;
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
SELECT 1001, 308, 'To Request ID', "fieldtype", 4, 2, NULL, "fboption", "createmode", "owner", 1800000000, '', "overlayprop"
FROM "field"
WHERE "schemaid" = 1001 AND "fieldid" = 8;
/* ardso fields */ INSERT INTO "field_char" ("schemaid", "fieldid", "maxlength", "pattern", "lengthunits", "qbematchop", "charmenu")
SELECT 1001, 308, 15, NULL, 1, "qbematchop", NULL
FROM "field_char"
WHERE "schemaid" = 1001 AND "fieldid" = 8;
/* ardso fields */ INSERT INTO "field" ("schemaid", "fieldid", "fieldname", "fieldtype", "datatype", "foption", "defaultvalue", "fboption", "createmode", "owner", "timestamp", "helptext", "overlayprop")
SELECT 1001, 309, 'Mapping History', "fieldtype", 4, 2, NULL, "fboption", "createmode", "owner", 1800000000, '', "overlayprop"
FROM "field"
WHERE "schemaid" = 1001 AND "fieldid" = 8;
/* ardso fields */ INSERT INTO "field_char" ("schemaid", "fieldid", "maxlength", "pattern", "lengthunits", "qbematchop", "charmenu")
SELECT 1001, 309, 0, NULL, 1, "qbematchop", NULL
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
SELECT 1001, 312, 'To Form', "fieldtype", 4, 2, NULL, "fboption", "createmode", "owner", 1800000000, '', "overlayprop"
FROM "field"
WHERE "schemaid" = 1001 AND "fieldid" = 8;
/* ardso fields */ INSERT INTO "field_char" ("schemaid", "fieldid", "maxlength", "pattern", "lengthunits", "qbematchop", "charmenu")
SELECT 1001, 312, 254, NULL, 1, "qbematchop", NULL
FROM "field_char"
WHERE "schemaid" = 1001 AND "fieldid" = 8;
/* ardso fields */ INSERT INTO "field" ("schemaid", "fieldid", "fieldname", "fieldtype", "datatype", "foption", "defaultvalue", "fboption", "createmode", "owner", "timestamp", "helptext", "overlayprop")
SELECT 1001, 313, 'To Server', "fieldtype", 4, 2, NULL, "fboption", "createmode", "owner", 1800000000, '', "overlayprop"
FROM "field"
WHERE "schemaid" = 1001 AND "fieldid" = 8;
/* ardso fields */ INSERT INTO "field_char" ("schemaid", "fieldid", "maxlength", "pattern", "lengthunits", "qbematchop", "charmenu")
SELECT 1001, 313, 64, NULL, 1, "qbematchop", NULL
FROM "field_char"
WHERE "schemaid" = 1001 AND "fieldid" = 8;
/* ardso fields */ INSERT INTO "field" ("schemaid", "fieldid", "fieldname", "fieldtype", "datatype", "foption", "defaultvalue", "fboption", "createmode", "owner", "timestamp", "helptext", "overlayprop")
SELECT 1001, 314, 'When to Update', "fieldtype", 6, 2, NULL, "fboption", "createmode", "owner", 1800000000, '', "overlayprop"
FROM "field"
WHERE "schemaid" = 1001 AND "fieldid" = 8;
/* ardso fields */ INSERT INTO "field_enum" ("schemaid", "fieldid", "enumstyle", "maxenum")
SELECT 1001, 314, 1, 5
FROM "field_enum"
WHERE "schemaid" = 1001 AND "fieldid" = 7;
/* ardso fields */ INSERT INTO "field_enum_values" ("schemaid", "fieldid", "enumid", "value")
SELECT 1001, 314, 0, 'Immediately'
FROM "field_enum_values"
WHERE "schemaid" = 1001 AND "fieldid" = 7 AND "enumid" = 0;
/* ardso fields */ INSERT INTO "field_enum_values" ("schemaid", "fieldid", "enumid", "value")
SELECT 1001, 314, 1, 'Hourly'
FROM "field_enum_values"
WHERE "schemaid" = 1001 AND "fieldid" = 7 AND "enumid" = 0;
/* ardso fields */ INSERT INTO "field_enum_values" ("schemaid", "fieldid", "enumid", "value")
SELECT 1001, 314, 2, 'Daily'
FROM "field_enum_values"
WHERE "schemaid" = 1001 AND "fieldid" = 7 AND "enumid" = 0;
/* ardso fields */ INSERT INTO "field_enum_values" ("schemaid", "fieldid", "enumid", "value")
SELECT 1001, 314, 3, 'On Return'
FROM "field_enum_values"
WHERE "schemaid" = 1001 AND "fieldid" = 7 AND "enumid" = 0;
/* ardso fields */ INSERT INTO "field_enum_values" ("schemaid", "fieldid", "enumid", "value")
SELECT 1001, 314, 4, 'No Update'
FROM "field_enum_values"
WHERE "schemaid" = 1001 AND "fieldid" = 7 AND "enumid" = 0;
/* ardso fields */ INSERT INTO "field" ("schemaid", "fieldid", "fieldname", "fieldtype", "datatype", "foption", "defaultvalue", "fboption", "createmode", "owner", "timestamp", "helptext", "overlayprop")
SELECT 1001, 315, 'Transfer Mode', "fieldtype", 6, 2, NULL, "fboption", "createmode", "owner", 1800000000, '', "overlayprop"
FROM "field"
WHERE "schemaid" = 1001 AND "fieldid" = 8;
/* ardso fields */ INSERT INTO "field_enum" ("schemaid", "fieldid", "enumstyle", "maxenum")
SELECT 1001, 315, 1, 4
FROM "field_enum"
WHERE "schemaid" = 1001 AND "fieldid" = 7;
/* ardso fields */ INSERT INTO "field_enum_values" ("schemaid", "fieldid", "enumid", "value")
SELECT 1001, 315, 0, 'Data Only'
FROM "field_enum_values"
WHERE "schemaid" = 1001 AND "fieldid" = 7 AND "enumid" = 0;
/* ardso fields */ INSERT INTO "field_enum_values" ("schemaid", "fieldid", "enumid", "value")
SELECT 1001, 315, 1, 'Data + Ownership'
FROM "field_enum_values"
WHERE "schemaid" = 1001 AND "fieldid" = 7 AND "enumid" = 0;
/* ardso fields */ INSERT INTO "field_enum_values" ("schemaid", "fieldid", "enumid", "value")
SELECT 1001, 315, 2, 'Independent Copy'
FROM "field_enum_values"
WHERE "schemaid" = 1001 AND "fieldid" = 7 AND "enumid" = 0;
/* ardso fields */ INSERT INTO "field_enum_values" ("schemaid", "fieldid", "enumid", "value")
SELECT 1001, 315, 3, 'Copy + Delete'
FROM "field_enum_values"
WHERE "schemaid" = 1001 AND "fieldid" = 7 AND "enumid" = 0;
/* ardso fields */ INSERT INTO "field" ("schemaid", "fieldid", "fieldname", "fieldtype", "datatype", "foption", "defaultvalue", "fboption", "createmode", "owner", "timestamp", "helptext", "overlayprop")
SELECT 1001, 316, 'Duplicate Request ID Action', "fieldtype", 6, 2, NULL, "fboption", "createmode", "owner", 1800000000, '', "overlayprop"
FROM "field"
WHERE "schemaid" = 1001 AND "fieldid" = 8;
/* ardso fields */ INSERT INTO "field_enum" ("schemaid", "fieldid", "enumstyle", "maxenum")
SELECT 1001, 316, 1, 3
FROM "field_enum"
WHERE "schemaid" = 1001 AND "fieldid" = 7;
/* ardso fields */ INSERT INTO "field_enum_values" ("schemaid", "fieldid", "enumid", "value")
SELECT 1001, 316, 0, 'Error'
FROM "field_enum_values"
WHERE "schemaid" = 1001 AND "fieldid" = 7 AND "enumid" = 0;
/* ardso fields */ INSERT INTO "field_enum_values" ("schemaid", "fieldid", "enumid", "value")
SELECT 1001, 316, 1, 'Overwrite'
FROM "field_enum_values"
WHERE "schemaid" = 1001 AND "fieldid" = 7 AND "enumid" = 0;
/* ardso fields */ INSERT INTO "field_enum_values" ("schemaid", "fieldid", "enumid", "value")
SELECT 1001, 316, 2, 'Create New'
FROM "field_enum_values"
WHERE "schemaid" = 1001 AND "fieldid" = 7 AND "enumid" = 0;
/* ardso fields */ INSERT INTO "field" ("schemaid", "fieldid", "fieldname", "fieldtype", "datatype", "foption", "defaultvalue", "fboption", "createmode", "owner", "timestamp", "helptext", "overlayprop")
SELECT 1001, 317, 'Max Time to Retry', "fieldtype", 2, 2, NULL, "fboption", "createmode", "owner", 1800000000, '', "overlayprop"
FROM "field"
WHERE "schemaid" = 1001 AND "fieldid" = 8;
/* ardso fields */ INSERT INTO "field_int" ("schemaid", "fieldid", "rangelow", "rangehigh")
SELECT 1001, 317, '0', '2147483647';
/* ardso fields */ INSERT INTO "field" ("schemaid", "fieldid", "fieldname", "fieldtype", "datatype", "foption", "defaultvalue", "fboption", "createmode", "owner", "timestamp", "helptext", "overlayprop")
SELECT 1001, 318, 'From Pool', "fieldtype", 4, 2, NULL, "fboption", "createmode", "owner", 1800000000, '', "overlayprop"
FROM "field"
WHERE "schemaid" = 1001 AND "fieldid" = 8;
/* ardso fields */ INSERT INTO "field_char" ("schemaid", "fieldid", "maxlength", "pattern", "lengthunits", "qbematchop", "charmenu")
SELECT 1001, 318, 80, NULL, 1, "qbematchop", NULL
FROM "field_char"
WHERE "schemaid" = 1001 AND "fieldid" = 8;
/* ardso fields */ INSERT INTO "field" ("schemaid", "fieldid", "fieldname", "fieldtype", "datatype", "foption", "defaultvalue", "fboption", "createmode", "owner", "timestamp", "helptext", "overlayprop")
SELECT 1001, 319, 'Enforce Pattern Matching', "fieldtype", 6, 2, NULL, "fboption", "createmode", "owner", 1800000000, '', "overlayprop"
FROM "field"
WHERE "schemaid" = 1001 AND "fieldid" = 8;
/* ardso fields */ INSERT INTO "field_enum" ("schemaid", "fieldid", "enumstyle", "maxenum")
SELECT 1001, 319, 1, 2
FROM "field_enum"
WHERE "schemaid" = 1001 AND "fieldid" = 7;
/* ardso fields */ INSERT INTO "field_enum_values" ("schemaid", "fieldid", "enumid", "value")
SELECT 1001, 319, 0, 'Yes'
FROM "field_enum_values"
WHERE "schemaid" = 1001 AND "fieldid" = 7 AND "enumid" = 0;
/* ardso fields */ INSERT INTO "field_enum_values" ("schemaid", "fieldid", "enumid", "value")
SELECT 1001, 319, 1, 'No'
FROM "field_enum_values"
WHERE "schemaid" = 1001 AND "fieldid" = 7 AND "enumid" = 0;
/* ardso fields */ INSERT INTO "field" ("schemaid", "fieldid", "fieldname", "fieldtype", "datatype", "foption", "defaultvalue", "fboption", "createmode", "owner", "timestamp", "helptext", "overlayprop")
SELECT 1001, 320, 'Require Required Fields', "fieldtype", 6, 2, NULL, "fboption", "createmode", "owner", 1800000000, '', "overlayprop"
FROM "field"
WHERE "schemaid" = 1001 AND "fieldid" = 8;
/* ardso fields */ INSERT INTO "field_enum" ("schemaid", "fieldid", "enumstyle", "maxenum")
SELECT 1001, 320, 1, 2
FROM "field_enum"
WHERE "schemaid" = 1001 AND "fieldid" = 7;
/* ardso fields */ INSERT INTO "field_enum_values" ("schemaid", "fieldid", "enumid", "value")
SELECT 1001, 320, 0, 'Yes'
FROM "field_enum_values"
WHERE "schemaid" = 1001 AND "fieldid" = 7 AND "enumid" = 0;
/* ardso fields */ INSERT INTO "field_enum_values" ("schemaid", "fieldid", "enumid", "value")
SELECT 1001, 320, 1, 'No'
FROM "field_enum_values"
WHERE "schemaid" = 1001 AND "fieldid" = 7 AND "enumid" = 0;
/* ardso fields */ INSERT INTO "field" ("schemaid", "fieldid", "fieldname", "fieldtype", "datatype", "foption", "defaultvalue", "fboption", "createmode", "owner", "timestamp", "helptext", "overlayprop")
SELECT 1001, 321, 'Matching Qualification', "fieldtype", 4, 2, NULL, "fboption", "createmode", "owner", 1800000000, '', "overlayprop"
FROM "field"
WHERE "schemaid" = 1001 AND "fieldid" = 8;
/* ardso fields */ INSERT INTO "field_char" ("schemaid", "fieldid", "maxlength", "pattern", "lengthunits", "qbematchop", "charmenu")
SELECT 1001, 321, 0, NULL, 1, "qbematchop", NULL
FROM "field_char"
WHERE "schemaid" = 1001 AND "fieldid" = 8;
/* ardso fields: the form was changed, so that servers which compare times see it */ UPDATE "arschema"
SET "timestamp" = 1800000000, "lastchanged" = 'Distributed Server', "numfields" = "numfields" + 22
WHERE "schemaid" = 1001;
-- ar: remove basic
-- * strike 22 fields from AR System's dictionary
/* ardso fields */ DELETE FROM "field_int"
WHERE "schemaid" = 1001 AND "fieldid" IN (300, 301, 302, 303, 304, 305, 306, 307, 308, 309, 310, 311, 312, 313, 314, 315, 316, 317, 318, 319, 320, 321);
/* ardso fields */ DELETE FROM "field_real"
WHERE "schemaid" = 1001 AND "fieldid" IN (300, 301, 302, 303, 304, 305, 306, 307, 308, 309, 310, 311, 312, 313, 314, 315, 316, 317, 318, 319, 320, 321);
/* ardso fields */ DELETE FROM "field_char"
WHERE "schemaid" = 1001 AND "fieldid" IN (300, 301, 302, 303, 304, 305, 306, 307, 308, 309, 310, 311, 312, 313, 314, 315, 316, 317, 318, 319, 320, 321);
/* ardso fields */ DELETE FROM "field_dec"
WHERE "schemaid" = 1001 AND "fieldid" IN (300, 301, 302, 303, 304, 305, 306, 307, 308, 309, 310, 311, 312, 313, 314, 315, 316, 317, 318, 319, 320, 321);
/* ardso fields */ DELETE FROM "field_enum"
WHERE "schemaid" = 1001 AND "fieldid" IN (300, 301, 302, 303, 304, 305, 306, 307, 308, 309, 310, 311, 312, 313, 314, 315, 316, 317, 318, 319, 320, 321);
/* ardso fields */ DELETE FROM "field_enum_values"
WHERE "schemaid" = 1001 AND "fieldid" IN (300, 301, 302, 303, 304, 305, 306, 307, 308, 309, 310, 311, 312, 313, 314, 315, 316, 317, 318, 319, 320, 321);
/* ardso fields */ DELETE FROM "field"
WHERE "schemaid" = 1001 AND "fieldid" IN (300, 301, 302, 303, 304, 305, 306, 307, 308, 309, 310, 311, 312, 313, 314, 315, 316, 317, 318, 319, 320, 321);
/* ardso fields: the form was changed, so that servers which compare times see it */ UPDATE "arschema"
SET "timestamp" = 1800000000, "lastchanged" = 'Distributed Server', "numfields" = "numfields" + -22
WHERE "schemaid" = 1001;
-- * drop 22 columns of table t1001
/* ardso fields */ ALTER TABLE "t1001"
  DROP COLUMN "c300",
  DROP COLUMN "c301",
  DROP COLUMN "c302",
  DROP COLUMN "c303",
  DROP COLUMN "c304",
  DROP COLUMN "c305",
  DROP COLUMN "c306",
  DROP COLUMN "c307",
  DROP COLUMN "c308",
  DROP COLUMN "c309",
  DROP COLUMN "c310",
  DROP COLUMN "c311",
  DROP COLUMN "c312",
  DROP COLUMN "c313",
  DROP COLUMN "c314",
  DROP COLUMN "c315",
  DROP COLUMN "c316",
  DROP COLUMN "c317",
  DROP COLUMN "c318",
  DROP COLUMN "c319",
  DROP COLUMN "c320",
  DROP COLUMN "c321";
