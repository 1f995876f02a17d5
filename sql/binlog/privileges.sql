/* ardso check */
-- What the user may do on the whole server. What a role of MySQL's gives it is not in here.
SELECT privilege_type
  FROM information_schema.user_privileges
 WHERE grantee = CONCAT('''', REPLACE(CURRENT_USER(), '@', '''@'''), '''')
