"""Formulas as MathML, which browsers draw themselves, by the converter that docutils brings along."""

from __future__ import annotations

from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util import logging

logger = logging.getLogger(__name__)


def converted(node, as_block):
    """The formula of a node as MathML; a warning, and its TeX, where the converter does not know a command."""
    tex = node.astext()
    if as_block and r"\\" in tex and r"\begin" not in tex:
        tex = r"\begin{aligned}" + tex + r"\end{aligned}"
    try:
        return tex2mathml(tex, as_block=as_block)
    except MathError as error:
        logger.warning("no MathML for %r: %s", tex, error, location=node)
        return f"<code>{tex}</code>"


def visit_inline(translator, node):
    translator.body.append(converted(node, as_block=False))
    raise_skip()


def visit_block(translator, node):
    translator.body.append(f'<div class="math">{converted(node, as_block=True)}</div>\n')
    raise_skip()


def raise_skip():
    from docutils.nodes import SkipNode

    raise SkipNode


def setup(app):
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
