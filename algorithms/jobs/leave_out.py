"""A `leave_out` job: transitions without the steps in a region of the state space."""

from dataclasses import replace

from algorithms.base import JobContext, Summary
from algorithms.control_data.selection import without_region
from algorithms.control_data.statistics import describe, write_statistics
from algorithms.control_data.transitions import load_transitions
from algorithms.control_derived_specs import LeaveOutSpec


def run(spec: LeaveOutSpec, context: JobContext) -> Summary:
    """Write `transitions.npz`, `metadata.json` and `statistics.json`; return the figures.

    Returns stay normalised by the reference returns of the whole data set.

    Raises:
        UserError: the region holds all steps or none, or names a dimension that is not there.
    """
    given = load_transitions(context.inputs["transitions"])
    left = without_region(given, spec)
    gone = len(given) - len(left)
    told = {
        **given.metadata,
        "provenance": {
            "left_out": spec.model_dump(mode="json"),
            "steps_left_out": gone,
            "of": given.metadata.get("provenance"),
        },
    }
    data = replace(left, metadata=told)
    data.save(context.output)
    statistics = describe(data)
    write_statistics(context.output, statistics)
    context.reporter.message(f"{gone:,} of {len(given):,} steps are in the region and left out.")
    return statistics.summary() | {
        "reference": statistics.reference,
        "steps_left_out": gone,
        "share_left_out": gone / len(given),
    }
