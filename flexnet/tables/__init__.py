"""The tables that pass from one room to the next: their columns, and one strict reader."""
