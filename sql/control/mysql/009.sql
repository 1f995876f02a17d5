-- MySQL 5.6 has no ADD COLUMN IF NOT EXISTS, and each ALTER commits by itself.
SET @ardso_add = IF((SELECT COUNT(*) FROM information_schema.columns WHERE table_schema = database() AND table_name = 'dso_pending' AND column_name = 'pool') > 0,
  'DO 0', 'ALTER TABLE dso_pending
    ADD COLUMN pool varchar(80) NOT NULL DEFAULT '''' COMMENT ''of what waits for the next time of a pool that polls: its name'',
    MODIFY COLUMN attempted varchar(2000) NOT NULL DEFAULT '''' COMMENT ''of an operation whose target does not accept: the thread that has tried it, and how many transactions that had committed before (JSON)''');

PREPARE ardso_add FROM @ardso_add;

EXECUTE ardso_add;

DEALLOCATE PREPARE ardso_add;
