-- Asked of San Francisco with the two others attached: a row for each copy that does not agree.
SELECT 'chair ' || coalesce(s.C1, c.id) AS difference
FROM (SELECT * FROM T100 WHERE C536870913 IN ('chair', 'armchair')) s
FULL JOIN (SELECT * FROM chicago.chair_repair WHERE id LIKE 'SF%') c ON c.id = s.C1
WHERE s.C1 IS NULL OR c.id IS NULL
   OR s.C7 <> c.status OR s.C8 <> c.description OR s.C4 IS NOT c.technician
   OR s.C536870914 IS NOT c.serial OR s.C536870915 IS NOT c.cost OR s.C536870916 IS NOT c.solution
UNION ALL
SELECT 'article ' || coalesce(r.id, k.article)
FROM (
  SELECT C1 AS id, C8 AS problem, C536870916 AS solution FROM T100 WHERE C536870913 = 'desk' AND C7 = 4
  UNION ALL
  SELECT id, description, solution FROM chicago.chair_repair WHERE status = 4
) r
FULL JOIN tokyo.knowledge k ON k.article = r.id
WHERE r.id IS NULL OR k.article IS NULL OR r.problem <> k.problem OR r.solution IS NOT k.solution
