"""The filter of the rollout browser."""

from typing import Any

from django import forms
from django.http import QueryDict

from webapp.results.rollout_file import GRADES, RowFilter


class FilterForm(forms.Form):
    """Grade, length and text of the completions to show; all optional."""

    q = forms.CharField(required=False, max_length=300, strip=False)
    regex = forms.BooleanField(required=False)
    grade = forms.ChoiceField(
        required=False, choices=[("", "any grade"), *((grade, grade) for grade in GRADES)]
    )
    min = forms.IntegerField(required=False, min_value=0, max_value=10**9)
    max = forms.IntegerField(required=False, min_value=0, max_value=10**9)

    def clean(self) -> dict[str, Any]:
        """Refuse a range that nothing can be in."""
        data: dict[str, Any] = super().clean() or {}
        low, high = data.get("min"), data.get("max")
        if low is not None and high is not None and low > high:
            self.add_error("max", "The longest length is below the shortest.")
        return data

    def row_filter(self) -> RowFilter:
        """Return what was asked; fields with errors ask for nothing."""
        self.is_valid()
        data = self.cleaned_data
        return RowFilter(
            grade=data.get("grade", ""),
            min_tokens=data.get("min"),
            max_tokens=data.get("max"),
            text=data.get("q", ""),
            is_regex=data.get("regex", False),
        )


def filter_query(query: QueryDict) -> str:
    """Return the part of an address that is the filter, so that links keep it."""
    kept = QueryDict(mutable=True)
    for name in FilterForm.base_fields:
        if query.get(name):
            kept[name] = str(query[name])
    return kept.urlencode()
