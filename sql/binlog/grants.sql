/* ardso check */
-- Unlike information_schema.user_privileges it shows what an active role gives.
SHOW GRANTS
