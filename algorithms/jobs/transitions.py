"""A `transitions` job: a data set of others, checked and in our layout."""

from pathlib import Path

from algorithms.base import JobContext, Summary, UserError
from algorithms.control_data.importing import imported
from algorithms.control_data.reading import Raw, minari_path, read_file
from algorithms.control_data.statistics import describe, write_statistics
from algorithms.control_specs import MinariSet, TransitionsSpec
from algorithms.data.roots import DATA_ROOTS_VARIABLE, allowed_path


def run(spec: TransitionsSpec, context: JobContext) -> Summary:
    """Write `transitions.npz`, `metadata.json` and `statistics.json`; return the figures.

    Raises:
        UserError: the file cannot be read, or is not what offline control can learn from.
    """
    data = imported(_raw(spec, context), spec)
    data.save(context.output)
    statistics = describe(data)
    write_statistics(context.output, statistics)
    for warning in statistics.warnings:
        context.reporter.message(warning, level="warning")
    return statistics.summary() | {"reference": statistics.reference}


def _raw(spec: TransitionsSpec, context: JobContext) -> Raw:
    source = spec.source
    if isinstance(source, MinariSet):
        return read_file(minari_path(source.name), "minari")
    if source.path:
        return read_file(allowed_path(source.path, DATA_ROOTS_VARIABLE), source.format)
    if "file" not in context.inputs:
        raise UserError("The import names no file: upload one, or give the path of one.")
    return read_file(_only_file(context.inputs["file"]), source.format)


def _only_file(folder: Path) -> Path:
    files = [path for path in sorted(folder.iterdir()) if path.suffix != ".json"]
    if len(files) != 1:
        raise UserError(f"One uploaded file is expected, and there are {len(files)}.")
    return files[0]
