"""What is worked out and checked before a job starts: places, configuration, what was typed. No torch."""
