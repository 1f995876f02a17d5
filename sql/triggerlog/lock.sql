/* ardso trigger log */
BEGIN IMMEDIATE
