"""The first rows of a public set, before anything is imported."""

from itertools import islice

from algorithms.base import UserError
from algorithms.data.public import read_local
from algorithms.data.rows import BadRow, Row
from algorithms.sources import PublicSource
from webapp.schema_forms import SchemaForm

ROWS = 5


def first_rows(form: SchemaForm) -> list[Row | BadRow]:
    """Return the first rows that a valid form's files become; none, with the reason in the form.

    The hub is not asked: only workers may reach it.
    """
    if not form.is_valid():
        return []
    source = form.cleaned_schema()
    assert isinstance(source, PublicSource)
    if source.origin == "hub":
        form.add_error("origin", "A preview is made from files only. The import reads the hub.")
        return []
    try:
        return list(islice(read_local(source), ROWS))
    except UserError as error:
        form.add_error("path", str(error))
        return []
