"""A model of data: rows and their moments, linear predictors and their penalties, and the objective that they make."""
