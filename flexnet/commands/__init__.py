"""What a person asks on the command line: one module a command, with its arguments and what it does."""
