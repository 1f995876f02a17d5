UPDATE chair_repair SET status = 1, technician = 'Eve', cost = 180 WHERE id = 'SF0046';
