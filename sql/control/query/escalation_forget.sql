/* ardso pending */
-- Of the runs that have ended only the last is kept.
DELETE FROM dso_pending
WHERE type = 'escalation' AND mapping = ? AND status IN ('done', 'failed', 'cancelled')
