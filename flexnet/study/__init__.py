"""What the workflow must work out before a job starts: places, configuration, what was typed. No torch."""
