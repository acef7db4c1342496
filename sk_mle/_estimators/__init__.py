"""The estimators: they read what the user gives, fit, and predict."""
