INSERT INTO T100 (C1, C2, C3, C4, C5, C6, C7, C8, C536870913, C536870914, C536870915, C536870916) VALUES
  ('SF0044', 'chen', 1767312000, NULL, 'chen', 1767312000, 0, 'Leg wobbles', 'chair', 'A-20', 15.5, NULL),
  ('SF0045', 'chen', 1767312060, NULL, 'chen', 1767312060, 0, 'Top is scratched', 'desk', NULL, NULL, NULL);
UPDATE arschema SET nextId = 46 WHERE schemaId = 100;
