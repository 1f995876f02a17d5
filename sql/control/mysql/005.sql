-- MySQL 5.6 has no ADD COLUMN IF NOT EXISTS, and each ALTER commits by itself.
SET @ardso_add = IF((SELECT COUNT(*) FROM information_schema.columns WHERE table_schema = database() AND table_name = 'dso_pending' AND column_name = 'due') > 0,
  'DO 0', 'ALTER TABLE dso_pending
    ADD COLUMN request longtext NULL COMMENT ''of an update that waits: the one request it is for; id names request, mapping and target then'',
    ADD COLUMN target varchar(40) NOT NULL DEFAULT '''' COMMENT ''of an update that waits: the server it goes to'',
    ADD COLUMN operation longtext NULL COMMENT ''of an update that waits: what has changed since the last one (JSON)'',
    ADD COLUMN due datetime(6) NULL COMMENT ''of an update that waits: when it is carried out; UTC''');

PREPARE ardso_add FROM @ardso_add;

EXECUTE ardso_add;

DEALLOCATE PREPARE ardso_add;
