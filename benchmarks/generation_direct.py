"""What a person would write to sample with vLLM: `python generation_direct.py ORDER.json`.

Run with the interpreter that has vLLM; prints {"tokens": ..., "seconds": ...}, its start left out.
With "seeded", every completion is a request with a seed of its own, so that it can be had again.
"""

import json
import sys
import time
from pathlib import Path

from vllm import LLM, SamplingParams


def main() -> None:
    """Sample once, on the clock: a job calls its engine once, too."""
    order = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    engine = LLM(**order["engine"])
    prompts = [{"prompt_token_ids": tokens} for tokens in order["prompts"]]
    sampling = order["sampling"]
    params = SamplingParams(**sampling)
    if order["seeded"]:
        count = sampling.pop("n")
        prompts = [prompt for prompt in prompts for _ in range(count)]
        params = [SamplingParams(seed=number, **sampling) for number in range(len(prompts))]
    started = time.perf_counter()
    outputs = engine.generate(prompts, params, use_tqdm=False)
    seconds = time.perf_counter() - started
    tokens = sum(len(one.token_ids) for output in outputs for one in output.outputs)
    print(json.dumps({"tokens": tokens, "seconds": seconds}), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
