-- MySQL 5.6 has no ADD COLUMN IF NOT EXISTS, and each ALTER commits by itself.
SET @ardso_add = IF((SELECT COUNT(*) FROM information_schema.columns WHERE table_schema = database() AND table_name = 'dso_owner' AND column_name = 'fault') > 0,
  'DO 0', 'ALTER TABLE dso_owner
    ADD COLUMN fault varchar(80) NOT NULL DEFAULT '''' COMMENT ''why the request is not distributed until it is repaired: what ardso verify found; empty: it is''');

PREPARE ardso_add FROM @ardso_add;

EXECUTE ardso_add;

DEALLOCATE PREPARE ardso_add;

-- Done twice it changes nothing.
ALTER TABLE dso_conflict MODIFY COLUMN settled_by varchar(254) NOT NULL COMMENT 'the rule of the mapping';
