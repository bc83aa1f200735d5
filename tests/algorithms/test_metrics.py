"""Declared metrics."""

import pytest

from algorithms.catalogue import ALGORITHMS
from algorithms.metrics import EVAL_METRICS, OUTCOME_METRICS, TRAIN_METRICS, metric_by_name


def test_a_metric_is_found_whoever_declares_it() -> None:
    assert metric_by_name("loss").label == "Loss"
    assert metric_by_name("eval_greedy_accuracy").better == "higher"
    for algorithm in ALGORITHMS.values():
        for metric in algorithm.metrics:
            assert metric_by_name(metric.name) == metric


def test_an_undeclared_metric_is_refused_by_name() -> None:
    with pytest.raises(KeyError, match="'losss' is not declared"):
        metric_by_name("losss")


def test_no_name_is_declared_twice() -> None:
    names = [metric.name for metric in (*TRAIN_METRICS, *EVAL_METRICS, *OUTCOME_METRICS)]
    assert len(set(names)) == len(names)
