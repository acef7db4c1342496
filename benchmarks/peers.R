# Rscript peers.R LAW FOLDER N P: times R's fits of the law to the binary files X and y (by column) in the folder.
# A line per fit: name|seconds|intercept,coefficients|intercept,... with a field per parameter, on the scale of its link.

given <- commandArgs(trailingOnly = TRUE)
law <- given[1]
n <- as.integer(given[3])
p <- as.integer(given[4])
data <- as.data.frame(matrix(readBin(file.path(given[2], "X"), "double", n * p), n))
y <- readBin(file.path(given[2], "y"), "double", 2 * n)  # durations come with events
data$y <- y[seq_len(n)]
event <- y[-seq_len(n)]
on_all <- reformulate(names(data)[seq_len(p)], "y")

# The median of three fits, of one where it takes long.
report <- function(name, package, fit, parameters) {
  if (!requireNamespace(package, quietly = TRUE)) return(invisible())
  seconds <- numeric()
  while (length(seconds) == 0 || (length(seconds) < 3 && max(seconds) < 5)) {
    taken <- system.time(model <- tryCatch(suppressWarnings(fit()), error = function(why) message(name, ": ", why)))
    if (is.null(model)) return(invisible())
    seconds <- c(seconds, taken[["elapsed"]])
  }
  fields <- vapply(parameters(model), function(values) paste(sprintf("%.17g", values), collapse = ","), "")
  cat(paste(c(name, sprintf("%.6f", median(seconds)), fields), collapse = "|"), "\n", sep = "")
}

first <- function(model) list(coef(model))
glm_of <- function(family) report("R glm", "stats", function() glm(on_all, family, data), first)
gamlss_of <- function(name, scale, parameters) {
  fit <- function() {
    family <- getExportedValue("gamlss.dist", name)
    gamlss::gamlss(on_all, scale, data = data, family = family, trace = FALSE)
  }
  report(paste("R gamlss", name), "gamlss", fit, function(model) lapply(parameters, function(at) coef(model, at)))
}

switch(law,
  "linear" = report("R lm", "stats", function() lm(on_all, data), first),
  "logistic" = glm_of(binomial()),
  "poisson" = glm_of(poisson()),
  "gamma" = glm_of(Gamma("log")),
  "negative-binomial" = report("R MASS::glm.nb", "MASS", function() MASS::glm.nb(on_all, data),
    function(model) list(coef(model), -log(model$theta))),
  "heteroscedastic" = {
    gamlss_of("NO", on_all[-2], c("mu", "sigma"))
    report("R mgcv gaulss", "mgcv",
      function() mgcv::gam(list(on_all, on_all[-2]), data = data, family = mgcv::gaulss(b = 0)),
      function(model) split(coef(model), rep(1:2, each = p + 1)))
  },
  "student-t" = gamlss_of("TF", ~1, c("mu", "sigma", "nu")),
  "beta" = report("R betareg", "betareg", function() betareg::betareg(on_all, data),
    function(model) list(coef(model, "mean"), log(coef(model, "precision")))),
  "weibull-censored" = report("R survreg", "survival",
    function() survival::survreg(update(on_all, survival::Surv(y, event) ~ .), data),
    function(model) list(coef(model), -log(model$scale))),
  "zero-inflated" = report("R pscl::zeroinfl", "pscl",
    function() pscl::zeroinfl(as.formula(paste(deparse1(on_all), "| 1")), data),
    function(model) list(coef(model, "count"), coef(model, "zero")))
)
