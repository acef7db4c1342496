"""A model of data: rows and their moments, linear predictors, penalties, and the objective of a fit."""
