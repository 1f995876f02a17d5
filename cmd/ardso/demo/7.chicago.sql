UPDATE chair_repair SET cost = 15.5 WHERE id = 'SF0044';
