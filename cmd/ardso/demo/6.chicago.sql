UPDATE chair_repair SET cost = 99 WHERE id = 'SF0044';
