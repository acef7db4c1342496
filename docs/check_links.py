"""Dead links inside a built site: python docs/check_links.py FOLDER. Also says how many pages and pictures there are."""

from __future__ import annotations

import sys
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """The links, pictures and anchors of a page."""

    def __init__(self, text):
        super().__init__()
        self.links, self.pictures, self.anchors = [], [], {""}
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.anchors |= {values[key] for key in ("id", "name") if values.get(key)}
        if tag in ("a", "link") and values.get("href"):
            self.links.append(values["href"])
        if tag in ("img", "script") and values.get("src"):
            self.links.append(values["src"])
        if tag == "img" and values.get("src"):
            self.pictures.append(values["src"])


@cache
def read(path):
    return Page(path.read_text(encoding="utf-8"))


def dead(path, link):
    """Whether a link of the page leads to a file or an anchor that is not there; links to other hosts are not followed."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return False
    target = path if not parts.path else (path.parent / unquote(parts.path)).resolve()
    if target.is_dir():
        target /= "index.html"
    if not target.exists():
        return True
    return target.suffix == ".html" and unquote(parts.fragment) not in read(target).anchors


def main(folder):
    pages = sorted(path for path in folder.resolve().rglob("*.html") if "_static" not in path.parts)
    found = [f"{path.relative_to(folder.resolve())}: {link}" for path in pages for link in read(path).links if dead(path, link)]
    pictures = {(path.parent / picture).resolve() for path in pages for picture in read(path).pictures}
    print(f"{len(pages)} pages, {len(pictures)} pictures, {len(found)} dead links")
    print("\n".join(found))
    return bool(found) or len(pages) < 80 or len(pictures) < 15


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
