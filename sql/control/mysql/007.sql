-- MySQL 5.6 has no ADD COLUMN IF NOT EXISTS, and each ALTER commits by itself.
SET @ardso_add = IF((SELECT COUNT(*) FROM information_schema.columns WHERE table_schema = database() AND table_name = 'dso_pending' AND column_name = 'seq') > 0,
  'DO 0', 'ALTER TABLE dso_pending
    ADD COLUMN seq bigint NOT NULL DEFAULT 0 COMMENT ''of an operation whose target does not accept: its place among those of the target'',
    ADD COLUMN fold varchar(40) NOT NULL DEFAULT '''' COMMENT ''of an operation whose target does not accept: names what later operations of the request join; empty: none do'',
    ADD COLUMN attempted varchar(400) NOT NULL DEFAULT '''' COMMENT ''of an operation whose target does not accept: the thread that has tried it, and how many transactions that had committed before (JSON)'',
    ADD COLUMN until datetime(6) NULL COMMENT ''of an operation whose target does not accept: when it is given up; NULL: never; UTC'',
    ADD INDEX dso_pending_target (type, target, seq),
    ADD INDEX dso_pending_fold (fold),
    ADD INDEX dso_pending_request (request(100))');

PREPARE ardso_add FROM @ardso_add;

EXECUTE ardso_add;

DEALLOCATE PREPARE ardso_add;

SET @ardso_add = IF((SELECT COUNT(*) FROM information_schema.columns WHERE table_schema = database() AND table_name = 'dso_event' AND column_name = 'source') > 0,
  'DO 0', 'ALTER TABLE dso_event
    ADD COLUMN source varchar(40) NOT NULL DEFAULT '''' COMMENT ''the server whose request it is; empty: of this one''');

PREPARE ardso_add FROM @ardso_add;

EXECUTE ardso_add;

DEALLOCATE PREPARE ardso_add;
