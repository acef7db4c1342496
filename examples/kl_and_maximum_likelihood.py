"""Maximising the likelihood is minimising the Kullback-Leibler divergence
=======================================================================

Draw y from p = Gamma(mean 2, shape 4) and describe it by q = Normal(mu, 1), which is wrong for every mu. By the law of
large numbers

    mean of log q(y)  ->  E_p log q(y)  =  - entropy(p) - KL(p || q)

and entropy(p) does not depend on mu: what maximises the mean log-likelihood minimises, as n grows, the divergence. The
best mu is the mean of p, whatever else is wrong with q.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.integrate import quad

from sk_mle import Distribution, MLERegressor
from sk_mle.likelihoods import Gamma, Normal

p = Distribution(Gamma(), {"mean": 2.0, "shape": 4.0})
means = [1.0, 1.5, 2.0, 2.5, 3.0]
candidates = [Distribution(Normal(), {"loc": mu, "scale": 1.0}) for mu in means]


def kl(p, q):
    return quad(lambda y: p.pdf(y) * (p.logpdf(y) - q.logpdf(y)), 0, np.inf)[0]


def row(label, values, best=None):
    print(f"{label:>18}" + "".join(f"{value:>10.4f}" for value in values) + (f"{best:>12.4f}" if best else ""))


print("Mean log-likelihood of Normal(mu, 1) for n draws from Gamma(mean 2, shape 4)\n")
print(f"{'n':>18}" + "".join(f"{f'mu = {mu}':>10}" for mu in means) + f"{'best mu':>12}")
y = p.rvs(1_000_000, random_state=0)
for n in (10, 100, 1_000, 10_000, 100_000, 1_000_000):
    model = MLERegressor(Normal(scale=1), predictors={"loc": "intercept"}).fit(y[:n, None], y[:n])  # mu alone, no columns
    row(f"{n:,}", [q.logpdf(y[:n]).mean() for q in candidates], model.intercept_)

divergence = np.array([kl(p, q) for q in candidates])
row("-entropy(p) - KL", -p.entropy() - divergence, p.mean())
print()
row("KL(p || q)", divergence)
print(f"\nentropy(p) = {p.entropy():.4f} is the same in every column: the highest likelihood is the smallest divergence.")

# %%
# The truth with the nearest normal law of unit variance, and how far each mean is from it.
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
grid = np.linspace(-1, 6, 300)
nearest = Distribution(Normal(), {"loc": 2.0, "scale": 1.0})
left.plot(grid, [float(p.pdf(value)) for value in grid], label="p, the truth")
left.plot(grid, [float(nearest.pdf(value)) for value in grid], label="q, the nearest")
left.set(xlabel="y", ylabel="density")
left.legend()
right.plot(means, divergence, "o-")
right.set(xlabel="mean of q", ylabel="KL(p || q)")
plt.show()
