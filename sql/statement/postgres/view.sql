/* ardso select */
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
-- The snapshot is taken by the first query.
SELECT 1;
