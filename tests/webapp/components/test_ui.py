"""Template tags that every page is made of."""

import pytest
from django import forms
from django.core.paginator import Paginator
from django.template import Context, Template
from django.test import Client, RequestFactory

from webapp.accounts.models import User


def rendered(source: str, **context: object) -> str:
    request = RequestFactory().get("/datasets/", {"q": "a b", "page": "2"})
    return Template("{% load ui %}" + source).render(Context({"request": request, **context}))


@pytest.mark.parametrize("state", ["waiting", "queued", "running", "succeeded", "failed"])
def test_a_state_is_an_icon_and_a_word(state: str) -> None:
    badge = rendered("{% state_badge state %}", state=state)

    assert "<svg" in badge
    assert state.capitalize() in badge


def test_pages_keep_the_rest_of_the_address() -> None:
    page = Paginator(range(100), 10).page(2)

    bar = rendered('{% pagination page "runs" %}', page=page)

    assert 'href="?q=a+b&amp;page=3"' in bar
    assert "11–20 of 100 runs" in bar


def test_what_people_wrote_cannot_become_markup() -> None:
    evil = '"><script>alert(1)</script>'

    for source in (
        "{% copy_button evil %}",
        "{% crumb evil %}",
        "{% search_box evil %}",
        "{% state_badge evil %}",
        "{% link_to 'no:page' evil %}",
        "{% empty_state 'flask' evil evil %}",
        "{% confirm 'x' '/x/' button=evil title=evil text=evil %}",
    ):
        assert "<script>" not in rendered(source, evil=evil), source


def test_a_link_to_a_page_that_is_not_there_is_its_text() -> None:
    assert rendered("{% link_to 'no:page' 'job 7' 7 %}") == "job 7"
    assert rendered("{% link_to 'datasets:detail' 'sums' 7 %}") == '<a href="/datasets/7/">sums</a>'


def test_help_and_error_are_tied_to_their_field() -> None:
    class Form(forms.Form):
        steps = forms.IntegerField(min_value=1, max_value=9, help_text="Updates.")

    field = rendered("{{ form }}", form=Form({"steps": "12"}))

    assert 'aria-describedby="id_steps_helptext id_steps_error"' in field
    assert 'id="id_steps_helptext"' in field
    assert 'id="id_steps_error"' in field
    assert "(1 to 9)" in field


def test_navigation_marks_where_one_is(client: Client, db: None) -> None:
    client.force_login(User.objects.create_user("ada"))
    page = client.get("/datasets/new/").content.decode()

    assert 'href="/datasets/" aria-current="page"' in page
    assert page.count('aria-current="page"') == 1
