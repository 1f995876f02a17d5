SELECT C1 AS "request", C536870913 AS "item", C8 AS "problem", v.value AS "status",
       C4 AS "assigned", C536870914 AS "serial", C536870915 AS "cost", C536870916 AS "solution"
FROM T100
LEFT JOIN field_enum_values v ON v.schemaId = 100 AND v.fieldId = 7 AND v.enumId = C7
ORDER BY C1
