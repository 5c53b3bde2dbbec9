"""What a configuration asks for, checked before any job by the rules of those who will read it. No torch."""
