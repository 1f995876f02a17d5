-- plain: add advanced
-- * add 22 columns to table repair
/* ardso fields */ ALTER TABLE `repair`
  ADD COLUMN `dso_to_mapping` varchar(254) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
  ADD COLUMN `dso_transfer_status` int,
  ADD COLUMN `dso_update_status` int,
  ADD COLUMN `dso_master_flag` int,
  ADD COLUMN `dso_current_form` varchar(254) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
  ADD COLUMN `dso_current_server` varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
  ADD COLUMN `dso_from_mapping` varchar(254) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
  ADD COLUMN `dso_from_request_id` varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
  ADD COLUMN `dso_to_request_id` varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
  ADD COLUMN `dso_mapping_history` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
  ADD COLUMN `dso_from_form` varchar(254) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
  ADD COLUMN `dso_from_server` varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
  ADD COLUMN `dso_to_form` varchar(254) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
  ADD COLUMN `dso_to_server` varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
  ADD COLUMN `dso_when_to_update` int,
  ADD COLUMN `dso_transfer_mode` int,
  ADD COLUMN `dso_duplicate_request_id_action` int,
  ADD COLUMN `dso_max_time_to_retry` int,
  ADD COLUMN `dso_from_pool` varchar(80) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
  ADD COLUMN `dso_enforce_pattern_matching` int,
  ADD COLUMN `dso_require_required_fields` int,
  ADD COLUMN `dso_matching_qualification` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
-- plain: remove basic
-- * drop 22 columns of table repair
/* ardso fields */ ALTER TABLE `repair`
  DROP COLUMN `dso_to_mapping`,
  DROP COLUMN `dso_transfer_status`,
  DROP COLUMN `dso_update_status`,
  DROP COLUMN `dso_master_flag`,
  DROP COLUMN `dso_current_form`,
  DROP COLUMN `dso_current_server`,
  DROP COLUMN `dso_from_mapping`,
  DROP COLUMN `dso_from_request_id`,
  DROP COLUMN `dso_to_request_id`,
  DROP COLUMN `dso_mapping_history`,
  DROP COLUMN `dso_from_form`,
  DROP COLUMN `dso_from_server`,
  DROP COLUMN `dso_to_form`,
  DROP COLUMN `dso_to_server`,
  DROP COLUMN `dso_when_to_update`,
  DROP COLUMN `dso_transfer_mode`,
  DROP COLUMN `dso_duplicate_request_id_action`,
  DROP COLUMN `dso_max_time_to_retry`,
  DROP COLUMN `dso_from_pool`,
  DROP COLUMN `dso_enforce_pattern_matching`,
  DROP COLUMN `dso_require_required_fields`,
  DROP COLUMN `dso_matching_qualification`;
-- ar: add basic
-- * add 8 columns to table T1001
/* ardso fields */ ALTER TABLE `T1001`
  ADD COLUMN `C301` int,
  ADD COLUMN `C302` int,
  ADD COLUMN `C303` int,
  ADD COLUMN `C306` varchar(254),
  ADD COLUMN `C307` varchar(15),
  ADD COLUMN `C310` varchar(254),
  ADD COLUMN `C311` varchar(64),
  ADD COLUMN `C318` varchar(80);
-- * enter 8 fields into AR System's dictionary
/* ardso fields */ INSERT INTO `field` (`schemaId`, `fieldId`, `fieldName`, `fieldType`, `datatype`, `fOption`, `defaultValue`, `fbOption`, `createMode`, `owner`, `timestamp`, `helpText`, `overlayProp`)
SELECT 1001, 301, 'Transfer Status', `fieldType`, 6, 2, NULL, `fbOption`, `createMode`, `owner`, 1800000000, '', `overlayProp`
FROM `field`
WHERE `schemaId` = 1001 AND `fieldId` = 8;
/* ardso fields */ INSERT INTO `field_enum` (`schemaId`, `fieldId`, `enumStyle`, `maxEnum`)
SELECT 1001, 301, 1, 5
FROM `field_enum`
WHERE `schemaId` = 1001 AND `fieldId` = 7;
/* ardso fields */ INSERT INTO `field_enum_values` (`schemaId`, `fieldId`, `enumId`, `value`)
SELECT 1001, 301, 0, 'Success'
FROM `field_enum_values`
WHERE `schemaId` = 1001 AND `fieldId` = 7 AND `enumId` = 0;
/* ardso fields */ INSERT INTO `field_enum_values` (`schemaId`, `fieldId`, `enumId`, `value`)
SELECT 1001, 301, 1, 'Retry'
FROM `field_enum_values`
WHERE `schemaId` = 1001 AND `fieldId` = 7 AND `enumId` = 0;
/* ardso fields */ INSERT INTO `field_enum_values` (`schemaId`, `fieldId`, `enumId`, `value`)
SELECT 1001, 301, 2, 'Failure'
FROM `field_enum_values`
WHERE `schemaId` = 1001 AND `fieldId` = 7 AND `enumId` = 0;
/* ardso fields */ INSERT INTO `field_enum_values` (`schemaId`, `fieldId`, `enumId`, `value`)
SELECT 1001, 301, 3, 'Timeout'
FROM `field_enum_values`
WHERE `schemaId` = 1001 AND `fieldId` = 7 AND `enumId` = 0;
/* ardso fields */ INSERT INTO `field_enum_values` (`schemaId`, `fieldId`, `enumId`, `value`)
SELECT 1001, 301, 4, 'Canceled'
FROM `field_enum_values`
WHERE `schemaId` = 1001 AND `fieldId` = 7 AND `enumId` = 0;
/* ardso fields */ INSERT INTO `field` (`schemaId`, `fieldId`, `fieldName`, `fieldType`, `datatype`, `fOption`, `defaultValue`, `fbOption`, `createMode`, `owner`, `timestamp`, `helpText`, `overlayProp`)
SELECT 1001, 302, 'Update Status', `fieldType`, 6, 2, NULL, `fbOption`, `createMode`, `owner`, 1800000000, '', `overlayProp`
FROM `field`
WHERE `schemaId` = 1001 AND `fieldId` = 8;
/* ardso fields */ INSERT INTO `field_enum` (`schemaId`, `fieldId`, `enumStyle`, `maxEnum`)
SELECT 1001, 302, 1, 6
FROM `field_enum`
WHERE `schemaId` = 1001 AND `fieldId` = 7;
/* ardso fields */ INSERT INTO `field_enum_values` (`schemaId`, `fieldId`, `enumId`, `value`)
SELECT 1001, 302, 0, 'Success'
FROM `field_enum_values`
WHERE `schemaId` = 1001 AND `fieldId` = 7 AND `enumId` = 0;
/* ardso fields */ INSERT INTO `field_enum_values` (`schemaId`, `fieldId`, `enumId`, `value`)
SELECT 1001, 302, 1, 'Waiting'
FROM `field_enum_values`
WHERE `schemaId` = 1001 AND `fieldId` = 7 AND `enumId` = 0;
/* ardso fields */ INSERT INTO `field_enum_values` (`schemaId`, `fieldId`, `enumId`, `value`)
SELECT 1001, 302, 2, 'Retry'
FROM `field_enum_values`
WHERE `schemaId` = 1001 AND `fieldId` = 7 AND `enumId` = 0;
/* ardso fields */ INSERT INTO `field_enum_values` (`schemaId`, `fieldId`, `enumId`, `value`)
SELECT 1001, 302, 3, 'Failure'
FROM `field_enum_values`
WHERE `schemaId` = 1001 AND `fieldId` = 7 AND `enumId` = 0;
/* ardso fields */ INSERT INTO `field_enum_values` (`schemaId`, `fieldId`, `enumId`, `value`)
SELECT 1001, 302, 4, 'Timeout'
FROM `field_enum_values`
WHERE `schemaId` = 1001 AND `fieldId` = 7 AND `enumId` = 0;
/* ardso fields */ INSERT INTO `field_enum_values` (`schemaId`, `fieldId`, `enumId`, `value`)
SELECT 1001, 302, 5, 'Canceled'
FROM `field_enum_values`
WHERE `schemaId` = 1001 AND `fieldId` = 7 AND `enumId` = 0;
/* ardso fields */ INSERT INTO `field` (`schemaId`, `fieldId`, `fieldName`, `fieldType`, `datatype`, `fOption`, `defaultValue`, `fbOption`, `createMode`, `owner`, `timestamp`, `helpText`, `overlayProp`)
SELECT 1001, 303, 'Master Flag', `fieldType`, 6, 2, NULL, `fbOption`, `createMode`, `owner`, 1800000000, '', `overlayProp`
FROM `field`
WHERE `schemaId` = 1001 AND `fieldId` = 8;
/* ardso fields */ INSERT INTO `field_enum` (`schemaId`, `fieldId`, `enumStyle`, `maxEnum`)
SELECT 1001, 303, 1, 2
FROM `field_enum`
WHERE `schemaId` = 1001 AND `fieldId` = 7;
/* ardso fields */ INSERT INTO `field_enum_values` (`schemaId`, `fieldId`, `enumId`, `value`)
SELECT 1001, 303, 0, 'No'
FROM `field_enum_values`
WHERE `schemaId` = 1001 AND `fieldId` = 7 AND `enumId` = 0;
/* ardso fields */ INSERT INTO `field_enum_values` (`schemaId`, `fieldId`, `enumId`, `value`)
SELECT 1001, 303, 1, 'Yes'
FROM `field_enum_values`
WHERE `schemaId` = 1001 AND `fieldId` = 7 AND `enumId` = 0;
/* ardso fields */ INSERT INTO `field` (`schemaId`, `fieldId`, `fieldName`, `fieldType`, `datatype`, `fOption`, `defaultValue`, `fbOption`, `createMode`, `owner`, `timestamp`, `helpText`, `overlayProp`)
SELECT 1001, 306, 'From Mapping', `fieldType`, 4, 2, NULL, `fbOption`, `createMode`, `owner`, 1800000000, '', `overlayProp`
FROM `field`
WHERE `schemaId` = 1001 AND `fieldId` = 8;
/* ardso fields */ INSERT INTO `field_char` (`schemaId`, `fieldId`, `maxLength`, `pattern`, `lengthUnits`, `qbeMatchOp`, `charMenu`)
SELECT 1001, 306, 254, NULL, 1, `qbeMatchOp`, NULL
FROM `field_char`
WHERE `schemaId` = 1001 AND `fieldId` = 8;
/* ardso fields */ INSERT INTO `field` (`schemaId`, `fieldId`, `fieldName`, `fieldType`, `datatype`, `fOption`, `defaultValue`, `fbOption`, `createMode`, `owner`, `timestamp`, `helpText`, `overlayProp`)
SELECT 1001, 307, 'From Request ID', `fieldType`, 4, 2, NULL, `fbOption`, `createMode`, `owner`, 1800000000, '', `overlayProp`
FROM `field`
WHERE `schemaId` = 1001 AND `fieldId` = 8;
/* ardso fields */ INSERT INTO `field_char` (`schemaId`, `fieldId`, `maxLength`, `pattern`, `lengthUnits`, `qbeMatchOp`, `charMenu`)
SELECT 1001, 307, 15, NULL, 1, `qbeMatchOp`, NULL
FROM `field_char`
WHERE `schemaId` = 1001 AND `fieldId` = 8;
/* ardso fields */ INSERT INTO `field` (`schemaId`, `fieldId`, `fieldName`, `fieldType`, `datatype`, `fOption`, `defaultValue`, `fbOption`, `createMode`, `owner`, `timestamp`, `helpText`, `overlayProp`)
SELECT 1001, 310, 'From Form', `fieldType`, 4, 2, NULL, `fbOption`, `createMode`, `owner`, 1800000000, '', `overlayProp`
FROM `field`
WHERE `schemaId` = 1001 AND `fieldId` = 8;
/* ardso fields */ INSERT INTO `field_char` (`schemaId`, `fieldId`, `maxLength`, `pattern`, `lengthUnits`, `qbeMatchOp`, `charMenu`)
SELECT 1001, 310, 254, NULL, 1, `qbeMatchOp`, NULL
FROM `field_char`
WHERE `schemaId` = 1001 AND `fieldId` = 8;
/* ardso fields */ INSERT INTO `field` (`schemaId`, `fieldId`, `fieldName`, `fieldType`, `datatype`, `fOption`, `defaultValue`, `fbOption`, `createMode`, `owner`, `timestamp`, `helpText`, `overlayProp`)
SELECT 1001, 311, 'From Server', `fieldType`, 4, 2, NULL, `fbOption`, `createMode`, `owner`, 1800000000, '', `overlayProp`
FROM `field`
WHERE `schemaId` = 1001 AND `fieldId` = 8;
/* ardso fields */ INSERT INTO `field_char` (`schemaId`, `fieldId`, `maxLength`, `pattern`, `lengthUnits`, `qbeMatchOp`, `charMenu`)
SELECT 1001, 311, 64, NULL, 1, `qbeMatchOp`, NULL
FROM `field_char`
WHERE `schemaId` = 1001 AND `fieldId` = 8;
/* ardso fields */ INSERT INTO `field` (`schemaId`, `fieldId`, `fieldName`, `fieldType`, `datatype`, `fOption`, `defaultValue`, `fbOption`, `createMode`, `owner`, `timestamp`, `helpText`, `overlayProp`)
SELECT 1001, 318, 'From Pool', `fieldType`, 4, 2, NULL, `fbOption`, `createMode`, `owner`, 1800000000, '', `overlayProp`
FROM `field`
WHERE `schemaId` = 1001 AND `fieldId` = 8;
/* ardso fields */ INSERT INTO `field_char` (`schemaId`, `fieldId`, `maxLength`, `pattern`, `lengthUnits`, `qbeMatchOp`, `charMenu`)
SELECT 1001, 318, 80, NULL, 1, `qbeMatchOp`, NULL
FROM `field_char`
WHERE `schemaId` = 1001 AND `fieldId` = 8;
/* ardso fields: the form was changed, so that servers which compare times see it */ UPDATE `arschema`
SET `timestamp` = 1800000000, `lastChanged` = 'Distributed Server', `numFields` = `numFields` + 8
WHERE `schemaId` = 1001;
-- ar: remove basic
-- * strike 8 fields from AR System's dictionary
/* ardso fields */ DELETE FROM `field_int`
WHERE `schemaId` = 1001 AND `fieldId` IN (301, 302, 303, 306, 307, 310, 311, 318);
/* ardso fields */ DELETE FROM `field_real`
WHERE `schemaId` = 1001 AND `fieldId` IN (301, 302, 303, 306, 307, 310, 311, 318);
/* ardso fields */ DELETE FROM `field_char`
WHERE `schemaId` = 1001 AND `fieldId` IN (301, 302, 303, 306, 307, 310, 311, 318);
/* ardso fields */ DELETE FROM `field_dec`
WHERE `schemaId` = 1001 AND `fieldId` IN (301, 302, 303, 306, 307, 310, 311, 318);
/* ardso fields */ DELETE FROM `field_enum`
WHERE `schemaId` = 1001 AND `fieldId` IN (301, 302, 303, 306, 307, 310, 311, 318);
/* ardso fields */ DELETE FROM `field_enum_values`
WHERE `schemaId` = 1001 AND `fieldId` IN (301, 302, 303, 306, 307, 310, 311, 318);
/* ardso fields */ DELETE FROM `field`
WHERE `schemaId` = 1001 AND `fieldId` IN (301, 302, 303, 306, 307, 310, 311, 318);
/* ardso fields: the form was changed, so that servers which compare times see it */ UPDATE `arschema`
SET `timestamp` = 1800000000, `lastChanged` = 'Distributed Server', `numFields` = `numFields` + -8
WHERE `schemaId` = 1001;
-- * drop 8 columns of table T1001
/* ardso fields */ ALTER TABLE `T1001`
  DROP COLUMN `C301`,
  DROP COLUMN `C302`,
  DROP COLUMN `C303`,
  DROP COLUMN `C306`,
  DROP COLUMN `C307`,
  DROP COLUMN `C310`,
  DROP COLUMN `C311`,
  DROP COLUMN `C318`;
