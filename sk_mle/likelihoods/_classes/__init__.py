"""Laws of class labels."""
