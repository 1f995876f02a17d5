CASE WHEN typeof({column}) = 'text' AND instr({column}, char(0)) > 0 THEN 'T''' || hex({column}) || '''' ELSE quote({column}) END
