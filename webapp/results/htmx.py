"""What the compare page's script and its server tell each other beside fragments."""

from django.http import HttpRequest, HttpResponse

from webapp.results.control.selectors import Family


def is_at(request: HttpRequest, address: str) -> bool:
    """Whether the browser shows this address already: a refresh adds nothing to its history."""
    return request.headers.get("HX-Current-URL") == request.build_absolute_uri(address)


def is_of_another_page(request: HttpRequest, family: Family | None) -> bool:
    """Whether a fragment is asked for by a page for other runs than those now chosen.

    Language models and control have pages of their own; without runs any page will do.
    """
    asked = request.GET.get("family", "")
    is_fragment = request.headers.get("HX-Target") == "comparison"
    return is_fragment and bool(asked) and family is not None and asked != str(family)


def elsewhere(address: str) -> HttpResponse:
    """Return an answer that sends the browser to a page, instead of a fragment."""
    response = HttpResponse()
    response.headers["HX-Redirect"] = address
    return response
