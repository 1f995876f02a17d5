(typeof(old.{column}) IS NOT typeof(new.{column}) OR old.{column} COLLATE BINARY IS NOT new.{column} COLLATE BINARY)
