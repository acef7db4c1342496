"""Small things that all rooms use: words of messages, tables, data frames, arrays that repeat one row."""
