SELECT article AS "article", office AS "office", item AS "item", problem AS "problem", solution AS "solution"
FROM knowledge
ORDER BY article
