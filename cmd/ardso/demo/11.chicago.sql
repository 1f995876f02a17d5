UPDATE chair_repair SET status = 4, solution = 'new leather' WHERE id = 'SF0046';
