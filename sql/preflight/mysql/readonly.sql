-- Why transactions that begin now cannot write; no row where they can. Some privileges are above read_only.
SELECT 'read_only is on'
  FROM DUAL
 WHERE @@GLOBAL.read_only <> 0
   AND NOT EXISTS (
         SELECT 1
           FROM information_schema.user_privileges
          WHERE grantee = CONCAT('''', REPLACE(CURRENT_USER(), '@', '''@'''), '''')
            AND privilege_type IN ('SUPER', 'READ_ONLY ADMIN', 'READ ONLY ADMIN', 'CONNECTION_ADMIN')
       )
