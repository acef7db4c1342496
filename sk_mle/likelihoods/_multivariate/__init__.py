"""Laws of several targets."""
