CREATE TABLE IF NOT EXISTS dso_owner (
  id           text PRIMARY KEY,
  form         text NOT NULL,
  request      text NOT NULL,
  chain        text NOT NULL,
  epoch        bigint NOT NULL,
  owner        integer NOT NULL,
  from_server  text NOT NULL,
  from_form    text NOT NULL,
  from_request text NOT NULL,
  from_mapping text NOT NULL,
  to_server    text NOT NULL,
  to_form      text NOT NULL,
  to_request   text NOT NULL,
  to_mapping   text NOT NULL,
  fields       text NOT NULL,
  deleted      integer NOT NULL,
  at_reader    text NOT NULL,
  updated      timestamptz NOT NULL
);

CREATE INDEX IF NOT EXISTS dso_owner_chain ON dso_owner (chain);

COMMENT ON TABLE dso_owner IS 'ardso: requests of this server that are, or were, handed over: who owns them, where they came from and went to';

COMMENT ON COLUMN dso_owner.chain IS 'names the ownership chain; the same on all servers';

COMMENT ON COLUMN dso_owner.epoch IS 'number of the hand-over that brought ownership here last; the copy with the highest owns the request';

COMMENT ON COLUMN dso_owner.owner IS '1: this copy owns the request, as ardso wrote its Master Flag last';

COMMENT ON COLUMN dso_owner.from_server IS 'where this copy came from; empty: the chain began here';

COMMENT ON COLUMN dso_owner.to_server IS 'whom this copy gave ownership to; empty: nobody since it owned last';

COMMENT ON COLUMN dso_owner.fields IS 'what the fields held when ownership came here: hashes and epochs (JSON)';

COMMENT ON COLUMN dso_owner.deleted IS '1: the request is gone';

COMMENT ON COLUMN dso_owner.at_reader IS 'this row as of dso_reader.position (JSON); empty: there was none; =: as it is now';
