"""How docs/ becomes pages: `make docs`. Nothing is fetched, neither while they are built nor by who reads them."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_reference"))

from filling import fill  # its folder is only now on the path

from alertd import __version__

project = "alertd"
author = "the alertd authors"
release = __version__

extensions = ["myst_parser"]
myst_heading_anchors = 3           # findings.md#stale, routing.md#rotas: the links that a reader of the files has too
exclude_patterns = ["_build", "_reference"]
nitpicky = True                    # with -W, a link that leads nowhere fails the build

html_theme = "furo"
html_title = f"alertd {release}"
html_static_path = ["_reference/tables.css"]
html_css_files = ["tables.css"]
html_show_sphinx = False
html_show_copyright = False
html_copy_source = False
html_show_sourcelink = False


def setup(app):
    """Marks in the pages are replaced by what the code itself says."""
    app.connect("source-read", lambda app, name, source: fill(source))
