"""What a law does not say of itself: derivatives, integrals, quantiles and starts from its density."""
