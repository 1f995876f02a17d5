CREATE TABLE IF NOT EXISTS dso_event (
  id           varchar(40) NOT NULL PRIMARY KEY,
  what         longtext NOT NULL COMMENT 'what was asked for, such as: owner set --master yes',
  who          longtext NOT NULL COMMENT 'who asked for it: user and machine',
  form         varchar(254) NOT NULL,
  request      longtext NOT NULL,
  before_image longtext NOT NULL COMMENT 'what was there before (JSON)',
  after_image  longtext NOT NULL COMMENT 'what was there after (JSON)',
  created      datetime(6) NOT NULL COMMENT 'UTC',
  KEY dso_event_created (created)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
  COMMENT='ardso: what people changed on this server by hand, through ardso';
