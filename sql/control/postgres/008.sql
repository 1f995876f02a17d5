CREATE TABLE IF NOT EXISTS dso_join (
  id      text PRIMARY KEY,
  round   text NOT NULL,
  last    integer NOT NULL,
  changes text NOT NULL
);

COMMENT ON TABLE dso_join IS 'ardso: changes of requests of join forms on their way into the log; rows go as soon as they come';

COMMENT ON COLUMN dso_join.round IS 'name of the watermarks around the select that the changes were made out of';

COMMENT ON COLUMN dso_join.last IS '1: with this row all changes up to the low watermark are settled';

COMMENT ON COLUMN dso_join.changes IS 'images before and after (JSON)';
