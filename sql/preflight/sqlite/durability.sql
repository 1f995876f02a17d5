/* ardso check: ardso's own connections set synchronous to FULL, so there is nothing to find */
SELECT '' AS name, '' AS value, '' AS safe
WHERE 0
