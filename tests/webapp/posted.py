"""What a browser would post for the inputs of a page."""

from html.parser import HTMLParser

from django.http import QueryDict
from django.test import Client


class _Inputs(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.data = QueryDict(mutable=True)
        self._select = ""
        self._options: list[tuple[str, bool]] = []
        self._many = False
        self._textarea = ""
        self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        name = given.get("name", "")
        if tag == "select":
            self._select, self._options = name, []
            self._many = "multiple" in given
        elif tag == "option":
            self._options.append((given.get("value", ""), "selected" in given))
        elif tag == "textarea":
            self._textarea, self._text = name, ""
        elif tag == "input" and name:
            if given.get("type") != "checkbox":
                self.data.appendlist(name, given.get("value", ""))
            elif "checked" in given:
                self.data.appendlist(name, given.get("value", "on"))

    def handle_data(self, data: str) -> None:
        self._text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "select" and self._options:
            chosen = [value for value, selected in self._options if selected]
            if not self._many:
                chosen = chosen[-1:] or [self._options[0][0]]
            for value in chosen:
                self.data.appendlist(self._select, value)
        elif tag == "textarea":
            # A newline right after the tag is not part of the text.
            self.data.appendlist(self._textarea, self._text.removeprefix("\n"))


def posted(html: str, form_id: str = "") -> QueryDict:
    """Return the values of every input, or of those inside the form with this id."""
    if form_id:
        html = html[html.index(f'id="{form_id}"') :]
        html = html[html.index(">") + 1 : html.index("</form>")]
    parser = _Inputs()
    parser.feed(html)
    return parser.data


def add_fields(page: Client, data: QueryDict, address: str, **action: str) -> QueryDict:
    """Post the form, add the inputs of the answer to it, as the browser does; return those."""
    answer = page.post(address, dict(data.lists()) | action)
    assert answer.status_code == 200, answer.content
    fragment = posted(answer.content.decode())
    for name, values in fragment.lists():
        data.setlistdefault(name).extend(values)
    return fragment
