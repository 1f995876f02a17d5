-- One transaction: a change between dropping the old triggers and creating the new ones would be lost.
BEGIN IMMEDIATE;
{drop}
{create}
COMMIT;
