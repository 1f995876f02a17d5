CREATE TABLE IF NOT EXISTS dso_join ( -- changes of requests of join forms on their way into the log; rows go as soon as they come
  id      TEXT NOT NULL PRIMARY KEY,
  round   TEXT NOT NULL,    -- name of the watermarks around the select that the changes were made out of
  last    INTEGER NOT NULL, -- 1: with this row all changes up to the low watermark are settled
  changes TEXT NOT NULL     -- images before and after (JSON)
);
