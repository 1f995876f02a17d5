-- Chicago's own program keeps chairs in a plain table.
CREATE TABLE chair_repair (
  id          VARCHAR(15) NOT NULL PRIMARY KEY,
  submitter   VARCHAR(254) NOT NULL,
  status      INTEGER NOT NULL,
  description VARCHAR(254) NOT NULL,
  serial      VARCHAR(30),
  technician  VARCHAR(254),
  cost        DECIMAL(10,2),
  solution    VARCHAR(254)
);
INSERT INTO chair_repair VALUES ('CHI007', 'walk-in', 1, 'Castor is lost', 'C-88', 'Bob', NULL, NULL);
