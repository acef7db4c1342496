"""Ordered classes: the bitterness of wine, from 1 to 5
====================================================

A cumulative model says that warmth and contact shift one hidden scale, cut at ordered points. It needs two coefficients
where the categorical model needs eight, and knows that 4 is close to 5.
"""

import matplotlib.pyplot as plt
import numpy as np
from comparison import compare, read

from sk_mle import MLEClassifier
from sk_mle.likelihoods import Categorical, Ordinal

wine = read("wine")
X, y = wine[["warm", "contact"]], wine["bitterness"].to_numpy()
candidates = {
    "proportional odds (logit)": MLEClassifier(Ordinal()),
    "ordered probit": MLEClassifier(Ordinal(distribution="probit")),
    "ordered loglog": MLEClassifier(Ordinal(distribution="loglog")),
    "categorical, ridge": MLEClassifier(Categorical(), alpha=0.01),
}
print(f"Log-likelihood per unseen tasting ({len(y)} tastings)\n")
best = compare(candidates, X, y, n_splits=8)

model = candidates[best].fit(X, y)
print(
    f"\n{best}: a shift of the hidden scale of", ", ".join(f"{c:+.2f} by {n}" for n, c in zip(X, model.coef_[0], strict=True))
)
print(f"\n{'warm':>6}{'contact':>9}   P(1)  P(2)  P(3)  P(4)  P(5)")
for row in X.drop_duplicates().to_numpy():
    proba = model.predict_proba(X.iloc[:1].assign(warm=row[0], contact=row[1]))[0]
    print(f"{row[0]:>6}{row[1]:>9}   " + "  ".join(f"{p:.2f}" for p in np.round(proba, 2)))

# %%
# Warmth and contact move probability from the low to the high grades.
figure, ax = plt.subplots(layout="constrained")
kinds = X.drop_duplicates()
proba = model.predict_proba(kinds)
for k, kind in enumerate(kinds.to_numpy()):
    label = f"{'warm' if kind[0] else 'cool'}, {'contact' if kind[1] else 'no contact'}"
    ax.plot(model.classes_, proba[k], "o-", label=label)
ax.set(xlabel="bitterness", ylabel="probability", xticks=model.classes_)
ax.legend()
plt.show()
