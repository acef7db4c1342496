"""Special functions, exact where the formulas of textbooks cancel, overflow or underflow."""
