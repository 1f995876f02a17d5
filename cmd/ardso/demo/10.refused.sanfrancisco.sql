UPDATE T100 SET C8 = 'Torn cover, urgent' WHERE C1 = 'SF0046';
