"""How Sphinx builds the site: python -m sphinx -W -b html docs FOLDER. Nothing is read from the network."""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))
sys.path.insert(0, str(Path(__file__).parents[1]))

import sk_mle

project = "sk_mle"
author = "The sk_mle developers"
copyright = "the sk_mle developers, BSD-3-Clause"
version = release = sk_mle.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "accuracy_table",
    "law_pictures",
    "mathml",
]
exclude_patterns = ["_build"]
templates_path = ["_templates"]
default_role = "py:obj"  # a name in single backticks is a link where it is one of ours, and code elsewhere
nitpicky = (
    False  # docstrings name arguments and objects of other packages in the same way; docs/check_links.py looks for dead links
)
html_math_renderer = "mathml"  # formulas that browsers draw themselves: MathJax would come from the network

myst_enable_extensions = ["dollarmath", "colon_fence", "deflist"]
myst_heading_anchors = 3

autosummary_generate = True
toc_object_entries_show_parents = "hide"
autodoc_typehints = "none"  # numpydoc's sections say types in words
autodoc_default_options = {"member-order": "bysource"}
numpydoc_show_class_members = False
numpydoc_xref_param_type = False
numpydoc_class_members_toctree = False


sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"\.py$",
    "ignore_pattern": r"\bcomparison\.py$",  # what the examples share
    "within_subsection_order": "gallery_settings.by_reader",
    "reset_modules_order": "both",
    "reset_modules": ("matplotlib", "gallery_settings.raise_warnings"),
    "abort_on_example_error": True,
    "parallel": int(os.environ.get("GALLERY_JOBS", "1")),
    "show_memory": False,
    "download_all_examples": False,
    "show_signature": False,
    "write_computation_times": False,
    "plot_gallery": True,
}

html_theme = "pydata_sphinx_theme"
html_title = "sk_mle"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_theme_options = {
    "logo": {"text": "sk_mle"},
    "navbar_end": ["theme-switcher"],
    "navbar_persistent": ["search-button"],
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
    "show_prev_next": True,
}
html_context = {"default_mode": "light"}
html_sidebars = {"index": []}

HIDDEN = {
    # scikit-learn's methods for metadata routing: their docstrings refer to its own user guide
    *("get_metadata_routing", "set_fit_request", "set_score_request", "set_predict_request", "set_partial_fit_request"),
    *("read_data", "read_rows", "check_part", "check_weightless"),  # by which inference and diagnostics read rows
}


def skip_member(app, what, name, obj, skip, options):
    return True if name in HIDDEN else None


def setup(app):
    app.connect("autodoc-skip-member", skip_member)
