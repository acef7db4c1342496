"""Small helpers that all subpackages use: phrases of messages, tables, data frames, arrays that repeat one row."""
