"""What an online training wrote, kept row by row on the way, and which updates learned from it."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from algorithms.data.grading import Verdict
from algorithms.data.rows import Row
from algorithms.data.tables import ROLLOUTS_FILE
from algorithms.online.rollouts import LAG, ONLINE_ROLLOUTS, STEPS, VERSION, kept_every
from algorithms.specs import OnlineSpec
from algorithms.training.online.buffer import Group
from algorithms.training.online.generator import Written

_FOLDER = "online_rollouts"
_GROUP = pa.field("group", pa.int64())
_ROWS = pa.schema(
    [_GROUP, *(field for field in ONLINE_ROLLOUTS if field.name not in (LAG, STEPS, "sample"))]
)
_USES = pa.schema([_GROUP, ("step", pa.int32())])
_GROUP_ROWS = 8192


class Journal:
    """Rows in memory until a checkpoint is written, then in numbered parts beside it.

    Parts are only added, and a checkpoint says how many belong to it: a resumed training goes on
    behind those and writes the others again.
    """

    def __init__(self, spec: OnlineSpec, *, steps: int, folder: Path) -> None:
        """Start with nothing.

        Args:
            steps: updates of the whole training.
            folder: of the checkpoints.
        """
        self._prompts_per_step = spec.prompts_per_step
        self._every = kept_every(spec, steps)
        self._folder = folder / _FOLDER
        self._rows: list[dict[str, object]] = []
        self._uses: list[dict[str, int]] = []
        self.parts = 0

    def wrote(
        self,
        groups: Sequence[Group],
        problems: Sequence[Row],
        written: Written,
        verdicts: Sequence[Verdict],
    ) -> None:
        """Note the groups of a batch, each of the problem at its place, if the batch is kept."""
        place = 0
        for group, problem in zip(groups, problems, strict=True):
            for number in range(len(group)) if self._keeps(group) else ():
                completion, verdict = written.completions[place + number], verdicts[place + number]
                self._rows.append(
                    {
                        "group": group.number,
                        "prompt_id": group.prompt_id,
                        "prompt": problem.prompt,
                        "answer": problem.answer,
                        "prompt_tokens": group.prompt,
                        "completion": completion.text,
                        "tokens": completion.tokens,
                        "logprobs": group.logprobs[number],
                        "finish_reason": completion.finish_reason,
                        "engine_logprobs": completion.engine_logprobs,
                        "grade": verdict.grade,
                        "reward": group.rewards[number],
                        "parsed": verdict.parsed,
                        "batch": self._batch(group),
                        VERSION: group.version,
                    }
                )
            place += len(group)

    def used(self, groups: Iterable[Group], step: int) -> None:
        """Note that an update learned from groups."""
        self._uses += [{"group": g.number, "step": step} for g in groups if self._keeps(g)]

    def _batch(self, group: Group) -> int:
        return group.number // self._prompts_per_step + 1

    def _keeps(self, group: Group) -> bool:
        return self._every > 0 and (self._batch(group) - 1) % self._every == 0

    def save(self) -> int:
        """Write what is in memory as one more part; return how many parts there are."""
        if self._rows or self._uses:
            self._folder.mkdir(parents=True, exist_ok=True)
            for name, records, schema in (
                ("rows", self._rows, _ROWS),
                ("uses", self._uses, _USES),
            ):
                path = self._path(name, self.parts)
                part = path.with_name(f".{path.name}.part")
                table = pa.Table.from_pylist(records, schema=schema)
                pq.write_table(table, part, compression="zstd")
                part.rename(path)
            self._rows, self._uses = [], []
            self.parts += 1
        return self.parts

    def restore(self, parts: int) -> None:
        """Go on behind the parts of a checkpoint."""
        self._rows, self._uses = [], []
        self.parts = parts

    def finish(self, output: Path) -> int:
        """Write `rollouts.parquet` of the schema `ONLINE_ROLLOUTS`; return its number of rows.

        No file is written where nothing was to be kept.
        """
        self.save()
        rows = self._read("rows", _ROWS)
        if not rows.num_rows:
            return 0
        table = _with_uses(_by_prompt(rows), self._read("uses", _USES))
        pq.write_table(
            table, output / ROLLOUTS_FILE, compression="zstd", row_group_size=_GROUP_ROWS
        )
        return int(table.num_rows)

    def _read(self, name: str, schema: pa.Schema) -> pa.Table:
        paths = [self._path(name, part) for part in range(self.parts)]
        tables = [pq.read_table(path, schema=schema) for path in paths if path.is_file()]
        return pa.concat_tables([schema.empty_table(), *tables])

    def _path(self, name: str, part: int) -> Path:
        return self._folder / f"{name}-{part:06d}.parquet"


def _by_prompt(rows: pa.Table) -> pa.Table:
    """Return the rows by prompt, in the order in which prompts came first, with their `sample`."""
    ids = rows["prompt_id"].combine_chunks().dictionary_encode().indices
    keys = pa.table({"prompt": ids, "row": range(rows.num_rows)})  # written in order of batches
    order = pc.sort_indices(keys, sort_keys=[("prompt", "ascending"), ("row", "ascending")])
    counts: dict[int, int] = defaultdict(int)
    samples = []
    for prompt in ids.take(order).to_pylist():
        samples.append(counts[prompt])
        counts[prompt] += 1
    return rows.take(order).append_column("sample", pa.array(samples, pa.int32()))


def _with_uses(rows: pa.Table, uses: pa.Table) -> pa.Table:
    """Return the whole table: each row with the updates that learned from it."""
    steps: dict[int, list[int]] = defaultdict(list)
    for use in uses.to_pylist():
        steps[use["group"]].append(use["step"])
    own = [steps.get(group, []) for group in rows["group"].to_pylist()]
    lags = [
        taken[0] - version if taken else None
        for taken, version in zip(own, rows[VERSION].to_pylist(), strict=True)
    ]
    added = {LAG: pa.array(lags, pa.int32()), STEPS: pa.array(own, pa.list_(pa.int32()))}
    for name, column in added.items():
        rows = rows.append_column(name, column)
    return rows.select(ONLINE_ROLLOUTS.names).cast(ONLINE_ROLLOUTS)
