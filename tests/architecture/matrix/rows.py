"""What a row of the table is."""

Row = tuple[str, str]  # methods, need
Rows = dict[str, Row | list[Row]]
