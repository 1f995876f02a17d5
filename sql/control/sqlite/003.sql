CREATE TABLE IF NOT EXISTS dso_owner ( -- requests of this server that are, or were, handed over: who owns them, where they came from and went to
  id           TEXT NOT NULL PRIMARY KEY,
  form         TEXT NOT NULL,
  request      TEXT NOT NULL,
  chain        TEXT NOT NULL, -- names the ownership chain; the same on all servers
  epoch        INTEGER NOT NULL, -- number of the hand-over that brought ownership here last; the copy with the highest owns the request
  owner        INTEGER NOT NULL, -- 1: this copy owns the request, as ardso wrote its Master Flag last
  from_server  TEXT NOT NULL, -- where this copy came from; empty: the chain began here
  from_form    TEXT NOT NULL,
  from_request TEXT NOT NULL,
  from_mapping TEXT NOT NULL,
  to_server    TEXT NOT NULL, -- whom this copy gave ownership to; empty: nobody since it owned last
  to_form      TEXT NOT NULL,
  to_request   TEXT NOT NULL,
  to_mapping   TEXT NOT NULL,
  fields       TEXT NOT NULL, -- what the fields held when ownership came here: hashes and epochs (JSON)
  deleted      INTEGER NOT NULL, -- 1: the request is gone
  at_reader    TEXT NOT NULL, -- this row as of dso_reader.position (JSON); empty: there was none; =: as it is now
  updated      TEXT NOT NULL
);

CREATE INDEX IF NOT EXISTS dso_owner_chain ON dso_owner (chain);
