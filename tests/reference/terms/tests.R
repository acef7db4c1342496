# Tests of smooths by mgcv, of data with no function to a clear one: writes tests.json, for
# tests/predictors/test_terms_reference.py.
#
#     Rscript tests.R            (R 4.2 with mgcv 1.8-41, jsonlite)

suppressMessages({library(mgcv); library(jsonlite)})
set.seed(3)
n <- 120
one <- function(size) {
  x <- round(runif(n), 4); y <- rpois(n, exp(1 + size * sin(6 * x)))
  d <- diff(range(x)) / 17
  m <- gam(y ~ s(x, bs = "ps", k = 20), family = poisson(), knots = list(x = min(x) - 1e-9 + (d + 1e-9) * (-3:20)),
           method = "REML", control = gam.control(epsilon = 1e-10))
  s <- summary(m)$s.table
  list(size = size, x = x, y = y, edf = s[1, "edf"], chi2 = s[1, "Chi.sq"], p = s[1, "p-value"])
}
cases <- lapply(c(0, 0, 0, 0, 0.1, 0.1, 0.15, 0.15, 0.2, 0.2), one)
write(toJSON(list(software = R.version.string, mgcv = as.character(packageVersion("mgcv")), cases = cases), digits = 8,
             auto_unbox = TRUE), "tests.json")
