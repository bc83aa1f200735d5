"""The filter of the rollout browser."""

from typing import Any

from django import forms
from django.http import QueryDict

from webapp.results.online_rows import CourseFilter
from webapp.results.rollout_file import GRADES, RowFilter

_MOST = 10**9
_RANGES = (("min", "max"), ("min_version", "max_version"), ("min_lag", "max_lag"))


class FilterForm(forms.Form):
    """Which completions to show; all optional, the last six for online trainings."""

    q = forms.CharField(required=False, max_length=300, strip=False)
    regex = forms.BooleanField(required=False)
    grade = forms.ChoiceField(
        required=False, choices=[("", "any grade"), *((grade, grade) for grade in GRADES)]
    )
    min = forms.IntegerField(required=False, min_value=0, max_value=_MOST)
    max = forms.IntegerField(required=False, min_value=0, max_value=_MOST)
    min_version = forms.IntegerField(required=False, min_value=0, max_value=_MOST)
    max_version = forms.IntegerField(required=False, min_value=0, max_value=_MOST)
    min_lag = forms.IntegerField(required=False, min_value=0, max_value=_MOST)
    max_lag = forms.IntegerField(required=False, min_value=0, max_value=_MOST)
    update = forms.IntegerField(required=False, min_value=1, max_value=_MOST)
    uses = forms.ChoiceField(
        required=False,
        choices=[
            ("", "learned from or not"),
            ("learned", "learned from"),
            ("once", "learned from once"),
            ("again", "learned from again"),
            ("unused", "never learned from"),
        ],
    )

    def clean(self) -> dict[str, Any]:
        """Refuse a range that nothing can be in."""
        data: dict[str, Any] = super().clean() or {}
        for first, last in _RANGES:
            low, high = data.get(first), data.get(last)
            if low is not None and high is not None and low > high:
                self.add_error(last, f"No number is from {low} to {high}: turn them round.")
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
            course=self._course(data),
        )

    def _course(self, data: dict[str, Any]) -> CourseFilter:
        update = data.get("update")
        return CourseFilter(
            min_version=data.get("min_version"),
            max_version=data.get("max_version"),
            min_lag=data.get("min_lag"),
            max_lag=data.get("max_lag"),
            step=None if update is None else update - 1,
            uses=data.get("uses", ""),
        )


def filter_query(query: QueryDict) -> str:
    """Return the part of an address that is the filter, so that links keep it."""
    kept = QueryDict(mutable=True)
    for name in FilterForm.base_fields:
        if query.get(name):
            kept[name] = str(query[name])
    return kept.urlencode()
