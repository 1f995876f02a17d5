CREATE TABLE IF NOT EXISTS dso_event ( -- what people changed on this server by hand, through ardso
  id           TEXT NOT NULL PRIMARY KEY,
  what         TEXT NOT NULL, -- what was asked for, such as: owner set --master yes
  who          TEXT NOT NULL, -- who asked for it: user and machine
  form         TEXT NOT NULL,
  request      TEXT NOT NULL,
  before_image TEXT NOT NULL, -- what was there before (JSON)
  after_image  TEXT NOT NULL, -- what was there after (JSON)
  created      TEXT NOT NULL
);

CREATE INDEX IF NOT EXISTS dso_event_created ON dso_event (created);
