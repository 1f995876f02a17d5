UPDATE chair_repair SET status = 1, technician = 'Bob' WHERE id = 'SF0041';
UPDATE chair_repair SET status = 4, technician = 'Eve', solution = 'new gas spring' WHERE id = 'SF0043';
UPDATE chair_repair SET status = 4, solution = 'new castor' WHERE id = 'CHI007';
