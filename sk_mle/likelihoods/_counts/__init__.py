"""Laws of counts."""
