"""What several laws share; a law is a few lines on top of a family."""
