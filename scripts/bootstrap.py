"""Runs on any Python, so that a too old one gets a sentence and not a syntax error. The work is in install.py."""

import sys

if not (3, 11) <= sys.version_info[:2] <= (3, 12):
    sys.exit(
        # An old formatting: this file must be readable to an old Python.
        "Python %d.%d does not fit; install Python 3.11 or 3.12, or name one: make up PYTHON=/path/to/python3.12."  # noqa: UP031
        % sys.version_info[:2]
    )

import install

install.main(sys.argv[1:])
