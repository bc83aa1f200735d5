"""What a training leaves beside its policy: evaluations, ratios, figures of the whole."""

import json
from pathlib import Path

from algorithms.base import Summary
from algorithms.data.tables import write_table
from algorithms.shared.histograms import HISTOGRAMS, HISTOGRAMS_FILE
from algorithms.training.checkpoint import Position

HISTORY_FILE = "history.json"


def write_history(position: Position, folder: Path) -> None:
    """Write the evaluations and, where there are ratios, their histograms."""
    history = {"steps": position.step, "evaluations": position.evaluations}
    text = json.dumps(history, indent=1, allow_nan=False)
    (folder / HISTORY_FILE).write_text(text, encoding="utf-8")
    write_histograms(position, folder)


def write_histograms(position: Position, folder: Path) -> None:
    """Write the table of the ratios so far, where there are ratios."""
    if position.histograms:
        part = folder / f".{HISTOGRAMS_FILE}.part"
        write_table(part, HISTOGRAMS, position.histograms)
        part.rename(folder / HISTOGRAMS_FILE)


def summary_of(position: Position, *, peak_memory: int) -> Summary:
    """Return the figures of a finished training, those of its last evaluation among them.

    Args:
        peak_memory: bytes of the device, or the process, that used most.
    """
    last = position.evaluations[-1]
    return {
        "steps": position.step,
        "skipped_steps": position.skipped_steps,
        "samples": position.samples,
        "tokens": position.tokens,
        "seconds": position.seconds,
        "step_seconds": position.seconds / max(1, position.step),
        "tokens_per_s": position.tokens / position.seconds if position.seconds else 0.0,
        "peak_memory_bytes": peak_memory,
        **{name: value for name, value in last.items() if name.startswith("eval_")},
    }
