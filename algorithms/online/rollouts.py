"""The completions that an online training made, row by row, as a table beside its policy."""

import math
import os

import pyarrow as pa

from algorithms.data.tables import GRADED
from algorithms.specs import OnlineSpec

KEPT_VARIABLE = "LAB_ONLINE_ROLLOUTS_MIB"
"""Environment variable: about how much of its completions an online training may keep. A setting
of the machine and not of the spec, because nothing that is computed follows from it."""
DEFAULT_MIB = 256
KEPT_COMPLETIONS = "kept_completions"
"""In the summary: how many are in the table; artifacts of earlier versions have none."""

VERSION, LAG, STEPS = "version", "lag", "steps"

ONLINE_ROLLOUTS = pa.schema(
    [
        *GRADED,
        pa.field("batch", pa.int32()),
        pa.field(VERSION, pa.int32()),
        pa.field(LAG, pa.int32()),
        pa.field(STEPS, pa.list_(pa.int32())),
    ]
)
"""Of `online`, `rollouts.parquet`: by prompt, then batch; `sample` counts a prompt's completions
through all batches. `version` is how many updates the policy had behind it which wrote the row,
`steps` the updates that learned from it (from 0, as `lags.parquet` counts), `lag` the first of
them minus the version, null where none did."""

_TOKEN_BYTES = 16  # the token, log mu by trainer and engine, its text
_ROW_BYTES = 200


def kept_every(spec: OnlineSpec, steps: int) -> int:
    """Return n: of every n batches one is kept, so that the table stays within its bound.

    0 where none is to be kept.
    """
    megabytes = float(os.environ.get(KEPT_VARIABLE) or DEFAULT_MIB)
    if megabytes <= 0:
        return 0
    row = _ROW_BYTES + _TOKEN_BYTES * spec.generate.sampling.max_new_tokens
    longest = steps * spec.prompts_per_step * spec.generate.completions * row
    return max(1, math.ceil(longest / (megabytes * 2**20)))
