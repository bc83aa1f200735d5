"""The sections of the application, in the order in which they are shown."""

from dataclasses import dataclass

from django.urls import NoReverseMatch, reverse


@dataclass(frozen=True)
class Section:
    """One entry of the navigation."""

    label: str
    url_name: str
    icon: str
    hotkey: str
    views: tuple[str, ...] = ()
    """Names of the views (`namespace:name`) that belong to it; empty means its whole namespace."""

    @property
    def namespace(self) -> str:
        return self.url_name.partition(":")[0]

    @property
    def url(self) -> str | None:
        """Its address; None where the installation has no such page."""
        try:
            return reverse(self.url_name)
        except NoReverseMatch:
            return None

    def contains(self, view_name: str) -> bool:
        """Whether a page, `namespace:name`, belongs to it."""
        if view_name == self.url_name or view_name in self.views:
            return True
        return view_name.startswith(f"{self.namespace}:") and self.namespace not in SHARED


SHARED = frozenset({"results", "labs"})
"""Namespaces that are spread over several sections."""

GROUPS = (
    (
        Section("Experiments", "experiments:list", "flask", "g e"),
        Section("Studies", "studies:list", "file-lines", "g s"),
    ),
    (
        Section("Datasets", "datasets:list", "database", "g d"),
        Section("Policies", "policies:list", "brain", "g p"),
        Section("Algorithms", "catalogue:gallery", "square-root-variable", "g a"),
    ),
    (
        Section("Loss lab", "labs:loss", "scale-balanced", "g l"),
        Section("Bandit lab", "labs:bandit", "dice", "g b"),
        Section("Score field", "labs:score_field", "location-crosshairs", "g f"),
        Section("Correction", "labs:correction", "wrench", "g k"),
        Section("PointMass", "labs:point_mass", "person-running", "g m"),
    ),
    (
        Section("Compare", "results:compare", "chart-line", "g c", views=("results:problems",)),
        Section(
            "Rollouts",
            "results:rollouts",
            "align-left",
            "g r",
            views=(
                "results:rollout_set",
                "results:rollout_prompt",
                "results:choose_beside",
                "results:beside",
                "curation:curate",
            ),
        ),
    ),
    (
        Section("Workers & queue", "jobs:queue", "server", "g w"),
        Section("API & account", "accounts:profile", "key", "g u"),
    ),
)
