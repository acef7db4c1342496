"""The directive `picture-of-law`: densities of a law of one number, for three values of its last parameter."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
from docutils import nodes
from docutils.parsers.rst import Directive

from sk_mle import Distribution, likelihoods

CENTRES = {"(-inf, inf)": 0.0, "(0, 1)": 0.4, "(-3.14159, 3.14159]": 0.0}
SIZES = {"Binomial": {"trials": 20}, "BetaBinomial": {"trials": 20}}  # laws that need a number which no fit estimates


def settings(law):
    """Three dicts of parameters: all at one value, but the last, which moves through its typical range."""
    names = list(law.layout.free)
    values = {name: CENTRES.get(str(law.layout[name].domain), 1.0) for name in names}
    if law.support.integer and "mean" in values:
        values["mean"] = 5.0
    low, high = law.layout[names[-1]].domain.typical
    return [values | {names[-1]: round(low + share * (high - low), 2)} for share in (0.15, 0.45, 0.85)]


def drawn(name, path):
    """Whether the law has a picture, which is then in the file."""
    from matplotlib.figure import Figure

    law = getattr(likelihoods, name)(**SIZES.get(name, {}))
    if law.target_type != "number":
        return False
    figure = Figure(figsize=(6, 2.8), layout="constrained")
    ax = figure.subplots()
    cases = settings(law)
    dists = [Distribution(law, case) for case in cases]
    low = min(float(dist.ppf(0.01)) for dist in dists)
    high = max(float(dist.ppf(0.97)) for dist in dists)
    discrete = law.support.integer
    y = np.arange(low, high + 1) if discrete else np.linspace(low, high, 400)[1:-1]
    for case, dist in zip(cases, dists, strict=True):
        label = ", ".join(f"{key} = {value:g}" for key, value in case.items())
        density = np.array([float(dist.pmf(k)) for k in y]) if discrete else np.array([float(dist.pdf(v)) for v in y])
        ax.plot(y, density, "o-" if discrete else "-", label=label, markersize=4, linewidth=1.5)
    ax.set(xlabel="y", ylabel="probability" if discrete else "density")
    top = max(line.get_ydata()[np.isfinite(line.get_ydata())].max() for line in ax.lines)
    ax.set_ylim(0, min(1.1 * top, 6 * np.median([np.nanmax(line.get_ydata()) for line in ax.lines])))
    ax.legend(frameon=False, fontsize=8)
    ax.spines[["top", "right"]].set_visible(False)
    with mpl.rc_context({"svg.hashsalt": name}):  # the same file at every build
        figure.savefig(path, metadata={"Date": None})
    return True


class PictureOfLaw(Directive):
    required_arguments = 1

    def run(self):
        env = self.state.document.settings.env
        name = self.arguments[0]
        path = Path(env.doc2path(env.docname)).parent / f"density_{name}.svg"
        if not drawn(name, path):
            return []
        return [nodes.image(uri=path.name, alt=f"Densities of {name} for three values of its last parameter")]


def setup(app):
    app.add_directive("picture-of-law", PictureOfLaw)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
