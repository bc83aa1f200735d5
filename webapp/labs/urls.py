"""Addresses of the labs."""

from django.urls import path

from webapp.labs import views, views_control

app_name = "labs"
urlpatterns = [
    path("loss/", views.loss, name="loss"),
    path("loss/coefficient.json", views.coefficient_figure, name="coefficient"),
    path("loss/tokens.csv", views.loss_csv, name="loss_csv"),
    path("loss/tokens.json", views.loss_json, name="loss_json"),
    path("bandit/", views.bandit, name="bandit"),
    path("bandit/simplex.json", views.simplex_figure, name="simplex"),
    path("bandit/expected-reward.json", views.reward_figure, name="expected_reward"),
    path("bandit/policies.csv", views.bandit_csv, name="bandit_csv"),
    path("bandit/policies.json", views.bandit_json, name="bandit_json"),
    path("score-field/", views_control.score_field, name="score_field"),
    path("score-field/field.json", views_control.field_figure, name="field_figure"),
    path("score-field/losses.json", views_control.loss_figure, name="loss_figure"),
    path("score-field/plane.csv", views_control.field_csv, name="field_csv"),
    path("score-field/plane.json", views_control.field_json, name="field_json"),
    path("correction/", views_control.correction, name="correction"),
    path("correction/path.json", views_control.path_figure, name="path_figure"),
    path("correction/states.json", views_control.states_figure, name="states_figure"),
    path("correction/corrections.csv", views_control.walk_csv, name="walk_csv"),
    path("correction/corrections.json", views_control.walk_json, name="walk_json"),
    path("correction/step/", views_control.correct_step, name="correct_step"),
    path("point-mass/", views_control.point_mass, name="point_mass"),
    path("point-mass/episodes.plot.json", views_control.ground_figure, name="ground_figure"),
    path("point-mass/steps.csv", views_control.ground_csv, name="ground_csv"),
    path("point-mass/steps.json", views_control.ground_json, name="ground_json"),
    path("choice/", views.choice, name="choice"),
]
