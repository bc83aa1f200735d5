"""All tests; `tests.shapes.check` is named by jaxtyping's option in pyproject.toml."""

from tests import shapes as shapes
