-- A small AR System database: the dictionary, one regular form "Repair" (schemaId 100), its requests.
CREATE TABLE arschema (
  schemaId   INTEGER PRIMARY KEY,
  name       VARCHAR(254) NOT NULL,
  schemaType INTEGER NOT NULL, -- 1 = regular form
  nextId     INTEGER NOT NULL  -- number of the next Request ID
);
INSERT INTO arschema VALUES (100, 'Repair', 1, 44);

CREATE TABLE field (
  schemaId     INTEGER NOT NULL,
  fieldId      INTEGER NOT NULL,
  fieldName    VARCHAR(254) NOT NULL,
  datatype     INTEGER NOT NULL, -- 4 = character, 6 = selection, 7 = date/time, 10 = decimal
  fOption      INTEGER NOT NULL, -- 1 = required, 2 = optional, 3 = written by the server
  defaultValue VARCHAR(254),
  PRIMARY KEY (schemaId, fieldId)
);
INSERT INTO field VALUES
  (100, 1, 'Request ID', 4, 3, 'SF'),
  (100, 2, 'Submitter', 4, 1, NULL),
  (100, 3, 'Create Date', 7, 3, NULL),
  (100, 4, 'Assigned To', 4, 2, NULL),
  (100, 5, 'Last Modified By', 4, 3, NULL),
  (100, 6, 'Modified Date', 7, 3, NULL),
  (100, 7, 'Status', 6, 1, NULL),
  (100, 8, 'Short Description', 4, 1, NULL),
  (100, 536870913, 'Item', 4, 1, NULL),
  (100, 536870914, 'Serial', 4, 2, NULL),
  (100, 536870915, 'Cost', 10, 2, NULL),
  (100, 536870916, 'Solution', 4, 2, NULL);

CREATE TABLE field_enum_values (
  schemaId INTEGER NOT NULL,
  fieldId  INTEGER NOT NULL,
  enumId   INTEGER NOT NULL,
  value    VARCHAR(254) NOT NULL,
  PRIMARY KEY (schemaId, fieldId, enumId)
);
INSERT INTO field_enum_values VALUES (100, 7, 0, 'New'), (100, 7, 1, 'Assigned'), (100, 7, 4, 'Closed');

CREATE TABLE T100 (
  C1         VARCHAR(15) NOT NULL PRIMARY KEY,
  C2         VARCHAR(254) NOT NULL,
  C3         INTEGER NOT NULL,
  C4         VARCHAR(254),
  C5         VARCHAR(254) NOT NULL,
  C6         INTEGER NOT NULL,
  C7         INTEGER NOT NULL,
  C8         VARCHAR(254) NOT NULL,
  C536870913 VARCHAR(30) NOT NULL,
  C536870914 VARCHAR(30),
  C536870915 DECIMAL(10,2),
  C536870916 VARCHAR(254)
);
INSERT INTO T100 VALUES
  ('SF0041', 'maria', 1767225600, NULL, 'maria', 1767225600, 0, 'Armrest is loose', 'chair', 'A-17', NULL, NULL),
  ('SF0042', 'james', 1767229200, 'Ann', 'james', 1767229200, 1, 'Drawer jams', 'desk', 'D-03', NULL, NULL),
  ('SF0043', 'maria', 1767232800, NULL, 'maria', 1767232800, 0, 'Seat sinks', 'chair', NULL, 40, NULL);
