"""What the examples share: reading their data, and a table of candidates by cross-validated log-likelihood."""

from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.model_selection import RepeatedKFold, cross_val_score


def read(name):
    """A data frame of examples/data."""
    return pd.read_csv(Path(__file__).parent / "data" / f"{name}.csv")


def compare(candidates, X, y, *, n_splits=10, n_repeats=3):
    """Print the mean log-likelihood per unseen row, best first, with the distance to the best; return the best's name."""
    folds = RepeatedKFold(n_splits=n_splits, n_repeats=n_repeats, random_state=0)
    scores = {name: cross_val_score(model, X, y, cv=folds) for name, model in candidates.items()}
    ranking = sorted(scores, key=lambda name: -scores[name].mean())
    width = max(map(len, ranking)) + 2
    print(f"{'model':<{width}}{'score':>8}{'behind the best':>20}")
    for name in ranking:
        gap = scores[ranking[0]] - scores[name]
        behind = f"{gap.mean():.3f} +- {gap.std() / np.sqrt(n_splits):.3f}" if name != ranking[0] else "-"
        print(f"{name:<{width}}{scores[name].mean():>8.3f}{behind:>20}")
    return ranking[0]
