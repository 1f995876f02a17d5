CREATE TABLE IF NOT EXISTS dso_event (
  id           text PRIMARY KEY,
  what         text NOT NULL,
  who          text NOT NULL,
  form         text NOT NULL,
  request      text NOT NULL,
  before_image text NOT NULL,
  after_image  text NOT NULL,
  created      timestamptz NOT NULL
);

CREATE INDEX IF NOT EXISTS dso_event_created ON dso_event (created);

COMMENT ON TABLE dso_event IS 'ardso: what people changed on this server by hand, through ardso';

COMMENT ON COLUMN dso_event.what IS 'what was asked for, such as: owner set --master yes';

COMMENT ON COLUMN dso_event.who IS 'who asked for it: user and machine';

COMMENT ON COLUMN dso_event.before_image IS 'what was there before (JSON)';

COMMENT ON COLUMN dso_event.after_image IS 'what was there after (JSON)';
