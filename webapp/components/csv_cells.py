"""Cells of CSV files that people open in spreadsheets: nothing in them is executed."""

import math
import re

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What makes a spreadsheet take a text for a formula."""
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")


def csv_cell(value: object) -> object:
    """Return a cell that a spreadsheet shows and does not execute.

    A text that looks like a formula gets an apostrophe. Numbers stay numbers, negative ones and
    those written as text too; nothing and NaN become an empty cell.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, str) and value.startswith(FORMULA_STARTS) and not _NUMBER.fullmatch(value):
        return f"'{value}"
    return value
