# Smooths by mgcv and random intercepts by lme4 and glmmTMB, for tests/predictors/test_terms_reference.py: writes fits.json.
#
#     Rscript make.R            (R 4.2 with mgcv 1.8-41, lme4, glmmTMB, jsonlite)
#
# Penalties are those of the plain differences of B-spline coefficients on the scale of the log-likelihood: mgcv's are divided
# by the scale that it gives each penalty matrix (S.scale, and for te the largest eigenvalue of a margin's), and by the dispersion.

suppressMessages({library(mgcv); library(lme4); library(glmmTMB); library(jsonlite)})
set.seed(20)
n <- 300
x <- round(runif(n), 4); z <- round(runif(n), 4); g <- sample(15, n, TRUE); treated <- rbinom(n, 1, 0.5)
f <- sin(6 * x); b <- rnorm(15, sd = 0.5)[g]; eta <- 0.6 + f + b
data <- list(
  x = x, z = z, g = g, treated = treated,
  poisson = rpois(n, exp(0.6 + f)), negative_binomial = rnbinom(n, size = 3, mu = exp(1 + f)),
  gamma = signif(rgamma(n, 4, 4 / exp(f)), 5), beta = round(pmin(pmax(rbeta(n, 6 * plogis(f), 6 * plogis(-f)), 1e-3), 0.999), 4),
  normal = round(rnorm(n, f, 0.7), 4), location_scale = round(rnorm(n, f, exp(0.5 * sin(6 * z))), 4),
  ordinal = as.integer(cut(2 * f + rlogis(n), c(-Inf, -1.5, 0, 1.5, Inf))),
  cyclic = rpois(n, exp(1 + sin(2 * pi * x))), by = rpois(n, exp(1 + 0.5 * f + treated * (0.3 + cos(3 * x)))),
  tensor = rpois(n, exp(1 + sin(4 * x) * cos(3 * z))), noise = round(rnorm(n), 4),
  poisson_g = rpois(n, exp(eta)), negative_binomial_g = rnbinom(n, size = 3, mu = exp(eta)),
  gamma_g = signif(rgamma(n, 4, 4 / exp(eta)), 5),
  beta_g = round(pmin(pmax(rbeta(n, 6 * plogis(f + b), 6 * plogis(-f - b)), 1e-3), 0.999), 4),
  normal_g = round(rnorm(n, eta, 0.7), 4))

knots <- function(v, k) { d <- diff(range(v)) / (k - 3); min(v) + d * (-3:k) }
largest <- function(k) max(eigen(crossprod(diff(diag(k), differences = 2)))$values)

smooth <- function(y, formula, family, knots, method = "REML") {
  d <- data.frame(y = data[[y]], x = x, z = z, g = factor(g), treated = treated)
  m <- gam(formula, data = d, family = family, knots = knots, method = method, control = gam.control(epsilon = 1e-10))
  phi <- if (m$family$family %in% c("gaussian", "Gamma")) { if (method == "REML") m$reml.scale else m$sig2 } else 1
  scales <- unlist(lapply(m$smooth, function(s) {
    if (is.null(s$margin)) s$S.scale else s$S.scale * sapply(s$margin, function(one) largest(one$bs.dim)) }))
  s <- summary(m)
  list(formula = format(formula), family = m$family$family, method = method, log_penalties = log(m$sp / scales / phi),
       edf = s$s.table[, "edf"], edf_total = sum(m$edf), statistic = s$s.table[, 3], p = s$s.table[, 4],
       eta = unname(predict(m, type = "link")), se = unname(predict(m, type = "link", se.fit = TRUE)$se.fit) * sqrt(phi / m$sig2),
       dispersion = phi, theta = if (!is.null(m$family$getTheta)) m$family$getTheta(TRUE))
}
one <- s(x, bs = "ps", k = 20)
kx <- list(x = knots(x, 20))
plain <- y ~ s(x, bs = "ps", k = 20)
smooths <- list(
  poisson = smooth("poisson", plain, poisson(), kx),
  negative_binomial = smooth("negative_binomial", plain, nb(), kx),
  gamma = smooth("gamma", plain, Gamma("log"), kx),
  beta = smooth("beta", plain, betar(), kx),
  normal = smooth("normal", plain, gaussian(), kx),
  noise = smooth("noise", plain, gaussian(), kx),
  gcv = smooth("normal", plain, gaussian(), kx, "GCV.Cp"),
  ubre = smooth("poisson", plain, poisson(), kx, "GCV.Cp"),
  ordinal = smooth("ordinal", plain, ocat(R = 4), kx),
  cyclic = smooth("cyclic", y ~ s(x, bs = "cp", k = 20), poisson(), list(x = c(0, 1))),
  by = smooth("by", y ~ s(x, bs = "ps", k = 12) + s(x, bs = "ps", k = 12, by = treated), poisson(), list(x = knots(x, 12))),
  tensor = smooth("tensor", y ~ te(x, z, bs = "ps", k = 7, np = FALSE), poisson(), list(x = knots(x, 7), z = knots(z, 7))),
  groups = smooth("poisson_g", y ~ s(x, bs = "ps", k = 20) + s(g, bs = "re"), poisson(), kx),
  no_groups = smooth("poisson", y ~ s(x, bs = "ps", k = 20) + s(g, bs = "re"), poisson(), kx))
d <- data.frame(y = data$location_scale, x = x, z = z)
m <- gam(list(y ~ s(x, bs = "ps", k = 20), ~ s(z, bs = "ps", k = 20)), family = gaulss(b = 0), data = d,
         knots = list(x = knots(x, 20), z = knots(z, 20)), method = "REML")
eta <- predict(m, type = "link")
smooths$location_scale <- list(
  family = "gaulss", log_penalties = log(m$sp / sapply(m$smooth, function(s) s$S.scale)),
  edf = summary(m)$s.table[, "edf"], edf_total = sum(m$edf), eta = unname(eta[, 1]), eta_scale = unname(eta[, 2]))

mixed <- function(y, family, ...) {
  d <- data.frame(y = data[[y]], x = x, g = factor(g))
  m <- glmmTMB(y ~ x + (1 | g), data = d, family = family, REML = TRUE, ...)
  list(sd = attr(VarCorr(m)$cond$g, "stddev")[[1]], eta = unname(predict(m, type = "link")), dispersion = sigma(m),
       fixed = unname(fixef(m)$cond), effects = ranef(m)$cond$g[[1]])
}
lmm <- lmer(normal_g ~ x + (1 | g), data = as.data.frame(data), REML = TRUE)
random <- list(
  poisson_g = mixed("poisson_g", poisson()), negative_binomial_g = mixed("negative_binomial_g", nbinom2()),
  gamma_g = mixed("gamma_g", Gamma("log")), beta_g = mixed("beta_g", beta_family()),
  normal_g = list(sd = attr(VarCorr(lmm)$g, "stddev")[[1]], eta = unname(predict(lmm)), dispersion = sigma(lmm),
                  fixed = unname(fixef(lmm)), effects = ranef(lmm)$g[[1]]))
versions <- sapply(c("mgcv", "lme4", "glmmTMB"), function(p) as.character(packageVersion(p)))
write(toJSON(list(software = R.version.string, packages = as.list(versions), data = data, smooths = smooths, random = random),
             digits = 8, auto_unbox = TRUE), "fits.json")
