INSERT INTO T100 (C1, C2, C3, C5, C6, C7, C8, C536870913, C536870914) VALUES
  ('SF0046', 'james', 1767326400, 'james', 1767326400, 0, 'Torn cover', 'armchair', 'L-1925');
UPDATE arschema SET nextId = 47 WHERE schemaId = 100;
