"""Addresses of comparisons and of the rollout browser."""

from django.urls import path

from webapp.results import beside_views, problem_views, regrading_views, rollout_views, views
from webapp.results.control import job_views, rendering_views

app_name = "results"
urlpatterns = [
    path("compare/", views.compare, name="compare"),
    path("compare/cost/", views.compare_cost, name="compare_cost"),
    path("compare/problems/", problem_views.problems, name="problems"),
    path("compare/problems/heat.json", problem_views.problems_figure, name="problems_figure"),
    path("compare/<slug:name>.json", views.compare_figure, name="compare_figure"),
    path("compare/export/<str:name>", views.compare_export, name="compare_export"),
    path("jobs/<int:pk>/results/", job_views.job_results, name="job_results"),
    path("jobs/<int:pk>/results/<slug:name>.json", job_views.job_figure, name="job_figure"),
    path("jobs/<int:pk>/renderings/", rendering_views.renderings, name="renderings"),
    path(
        "jobs/<int:pk>/renderings/<str:name>", rendering_views.rendered_file, name="rendered_file"
    ),
    path("rollouts/", rollout_views.rollouts, name="rollouts"),
    path("rollouts/<int:pk>/", rollout_views.show_set, name="rollout_set"),
    path("rollouts/<int:pk>/score/", rollout_views.score_set, name="rollout_score"),
    path("rollouts/<int:pk>/grade/", regrading_views.grade_set, name="rollout_grade"),
    path("rollouts/<int:pk>/<slug:name>.json", rollout_views.set_figure, name="rollout_figure"),
    path("rollouts/<int:pk>/export.<slug:suffix>", rollout_views.export_set, name="rollout_export"),
    path(
        "rollouts/<int:pk>/prompts/<int:number>/",
        rollout_views.show_prompt,
        name="rollout_prompt",
    ),
    path("rollouts/<int:pk>/score-under/", beside_views.score_under, name="score_under"),
    path(
        "rollouts/<int:pk>/prompts/<int:number>/beside/",
        beside_views.choose_beside,
        name="choose_beside",
    ),
    path(
        "rollouts/<int:pk>/prompts/<int:number>/beside/<int:other>/",
        beside_views.show_beside,
        name="beside",
    ),
]
