"""What a person would write to sample with vLLM: `python generation_direct.py ORDER.json`.

Run with the interpreter that has vLLM; prints {"tokens": ..., "seconds": ...}, its start left out.
"""

import json
import sys
import time
from pathlib import Path

from vllm import LLM, SamplingParams


def main() -> None:
    """Sample once to warm up, then on the clock."""
    order = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    engine = LLM(**order["engine"])
    prompts = [{"prompt_token_ids": tokens} for tokens in order["prompts"]]
    params = SamplingParams(**order["sampling"])
    for name in ("warm-up", "measured"):
        started = time.perf_counter()
        outputs = engine.generate(prompts, params, use_tqdm=False)
        seconds = time.perf_counter() - started
        tokens = sum(len(one.token_ids) for output in outputs for one in output.outputs)
        print(json.dumps({"run": name, "tokens": tokens, "seconds": seconds}), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
