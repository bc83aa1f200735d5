"""Tags and filters that every page is made of; the style guide page shows each of them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import template
from django.core.paginator import Page
from django.template.context import Context
from django.templatetags.static import static
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from webapp.components import formats
from webapp.components.navigation import GROUPS, Section

register = template.Library()

register.filter("count", formats.count)
register.filter("si", formats.si)
register.filter("significant", formats.significant)
register.filter("percent", formats.percent)
register.filter("size", formats.size)
register.filter("duration", formats.duration)

STATES = {
    "waiting": ("hourglass-half", "Waiting"),
    "queued": ("clock", "Queued"),
    "running": ("circle-play", "Running"),
    "succeeded": ("circle-check", "Succeeded"),
    "failed": ("circle-xmark", "Failed"),
    "cancelled": ("ban", "Cancelled"),
}


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """Return an icon of lab/icons.svg; with a label it speaks, without one it is decoration."""
    address = f"{static('lab/icons.svg')}#{name}"
    if label:
        return format_html(
            '<svg class="icon" role="img" aria-label="{}"><use href="{}"></use></svg>',
            label,
            address,
        )
    return format_html('<svg class="icon" aria-hidden="true"><use href="{}"></use></svg>', address)


@dataclass(frozen=True)
class NavigationEntry:
    """A section as one page shows it."""

    section: Section
    url: str
    current: bool


@register.simple_tag(takes_context=True)
def navigation(context: Context) -> list[list[NavigationEntry]]:
    """Return the groups of the navigation, without pages that do not exist here."""
    match = getattr(context.get("request"), "resolver_match", None)
    here = match.view_name if match else ""
    return [
        [NavigationEntry(one, one.url, one.contains(here)) for one in group if one.url]
        for group in GROUPS
        if any(one.url for one in group)
    ]


@register.simple_tag
def crumb(label: str, url_name: str = "", *args: Any) -> SafeString:
    """Return one step of the breadcrumbs; a link where a url name is given."""
    if not url_name:
        return format_html("<li>{}</li>", label)
    return format_html('<li><a href="{}">{}</a></li>', reverse(url_name, args=args), label)


@register.simple_tag
def link_to(url_name: str, label: str, *args: Any) -> SafeString:
    """Return a link, or the label alone where this installation has no such page."""
    try:
        address = reverse(url_name, args=args)
    except NoReverseMatch:
        return format_html("{}", label)
    return format_html('<a href="{}">{}</a>', address, label)


@register.inclusion_tag("components/_state.html")
def state_badge(state: str, label: str = "") -> dict[str, str]:
    """Show a state as icon and word; any state of a job, a run or an experiment."""
    shape, word = STATES.get(str(state), ("circle", str(state).replace("_", " ").capitalize()))
    return {"state": str(state), "icon_name": shape, "label": label or word}


@register.inclusion_tag("components/_progress.html")
def progress(  # noqa: PLR0917 - written as positions in templates
    done: float,
    total: float,
    unit: str = "",
    rate: float | None = None,
    eta_s: float | None = None,
    state: str = "",
) -> dict[str, Any]:
    """Show a bar with amount, rate (units per second) and remaining time (seconds)."""
    return {
        "done": done,
        "total": total,
        "unit": unit,
        "rate": rate,
        "eta_s": eta_s,
        "state": state,
        "known": bool(total),
    }


@register.inclusion_tag("components/_empty.html")
def empty_state(  # noqa: PLR0917 - written as positions in templates
    icon_name: str, title: str, text: str, url: str = "", action: str = ""
) -> dict[str, str]:
    """Say what an empty page is for and offer the first step."""
    return {"icon_name": icon_name, "title": title, "text": text, "url": url, "action": action}


@register.inclusion_tag("components/_confirm.html", takes_context=True)
def confirm(
    context: Context,
    name: str,
    url: str,
    *,
    button: str,
    title: str,
    text: str,
    icon_name: str = "trash",
    danger: bool = True,
    small: bool = False,
) -> dict[str, Any]:
    """Show a button that asks before it posts to `url`; `name` is unique on the page."""
    return {
        "name": name,
        "url": url,
        "button": button,
        "title": title,
        "text": text,
        "icon_name": icon_name,
        "danger": danger,
        "small": small,
        "csrf_token": context.get("csrf_token"),
    }


@register.simple_tag
def when(at: datetime | None, missing: str = formats.NOTHING) -> SafeString | str:
    """Return a moment as relative time; the exact one (UTC) is its title."""
    if at is None:
        return missing
    return format_html(
        '<time datetime="{}" title="{} UTC" data-relative>{}</time>',
        at.isoformat(),
        f"{at:%Y-%m-%d %H:%M:%S}",
        formats.ago(at),
    )


@register.inclusion_tag("components/_copy.html")
def copy_button(text: str, label: str = "Copy") -> dict[str, str]:
    """Show a button that copies a text."""
    return {"text": text, "label": label}


@register.inclusion_tag("components/_search.html")
def search_box(value: str = "", label: str = "Search", name: str = "q") -> dict[str, str]:
    """Show a search field (inside a GET form); the key / moves to it."""
    return {"value": value, "label": label, "name": name}


@register.inclusion_tag("components/_pagination.html", takes_context=True)
def pagination(
    context: Context, page: Page[Any], noun: str = "rows", parameter: str = "page"
) -> dict[str, Any]:
    """Show where one is and the ways to the other pages, keeping the rest of the address."""

    def address(number: int) -> str:
        query = context["request"].GET.copy()
        query[parameter] = str(number)
        return f"?{query.urlencode()}"

    return {
        "page": page,
        "noun": noun,
        "previous": address(page.previous_page_number()) if page.has_previous() else "",
        "next": address(page.next_page_number()) if page.has_next() else "",
    }


@register.inclusion_tag("components/_figure.html")
def figure(
    url: str, title: str, *, name: str = "figure", height: int = 360, empty: str = ""
) -> dict[str, Any]:
    """Show the plot whose Plotly JSON is at `url` (needs the block `figures` of base.html)."""
    return {"url": url, "title": title, "name": name, "height": height, "empty": empty}


@register.inclusion_tag("components/_field.html")
def field(bound: Any, css: str = "") -> dict[str, Any]:
    """Show one form field: label, widget, help, range and errors."""
    return {"field": bound, "css": css}


@register.filter
def input_range(bound: Any) -> str:
    """Return the allowed range of a number field in words; empty where it has none."""
    if hasattr(bound.field, "range_text"):
        return ""  # a field made from a schema says its range in the help text
    attrs = bound.field.widget.attrs
    low, high = attrs.get("min"), attrs.get("max")
    if low is not None and high is not None:
        return f"{low} to {high}"
    if low is not None:
        return f"at least {low}"
    return f"at most {high}" if high is not None else ""


@register.filter
def is_checkbox(bound: Any) -> bool:
    """Whether a form field is one box to tick."""
    return getattr(bound.field.widget, "input_type", "") == "checkbox"
