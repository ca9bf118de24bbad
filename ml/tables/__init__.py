"""Rows out of spreadsheets, Parquet files and saved `datasets` folders, one at a time, whatever their size.

`python -m ml rows` reads them in a process of its own under a limit of memory: the libraries for these formats are
large, and the files come from anywhere.
"""

from ml.tables.reading import read_table, tables_of
from ml.tables.shapes import KINDS, TableError, TableRow

__all__ = ["KINDS", "TableError", "TableRow", "read_table", "tables_of"]
