"""Files of experiments, as people write them."""

SHORT = """\
format: offpolicy-lab/experiment/1
name: Does a baseline help TOPR?
datasets:
  Two digits:
    source: {source: arithmetic, digits: 2, train: 60, test: 20}
policies:
  Tiny, warm:
    source: {source: tiny, hidden_size: 16, layers: 1, heads: 2, max_tokens: 32}
    warm_start: {settings: {steps: 5, learning_rate: 1e-3}}
config:
  seeds: [0, 1]
  algorithms:
    - {label: TOPR, algorithm: topr}
    - {label: Positives only, algorithm: positives}
  axes:
    params.baseline: [-0.5, 0.0]
  generate: {completions: 4, sampling: {max_new_tokens: 5}}
  settings: {steps: 6, batch_size: 16, micro_batch_size: 16}
"""
"""Names no dataset and no policy in its config: there is only one of each."""

TRINITY = """\
project: rec
name: rec-gsm8k
mode: both
checkpoint_root_dir: /data/checkpoints
algorithm:
  algorithm_type: rec
  repeat_times: 8
  optimizer: {lr: 1e-6}
  advantage_fn_args: {std_normalize: false}
  policy_loss_fn_args:
    epsilon_low: 0.6
    epsilon_high: 2.0
    clip_mode: one-side
    weight: importance_sampling
    temp: 1.0
    regularizer: none
    regularizer_coef: 0.0
    top_secret: 3
  kl_loss_fn_args: {kl_coef: 0.0}
model:
  model_path: Qwen/Qwen2.5-1.5B-Instruct
  max_response_tokens: 1024
  max_model_len: 1280
cluster: {node_num: 1, gpu_per_node: 8}
buffer:
  total_steps: 160
  batch_size: 96
  explorer_input:
    taskset:
      name: gsm8k
      storage_type: file
      path: openai/gsm8k
      subset_name: main
      split: train
      format: {prompt_key: question, response_key: answer}
      rollout_args: {temperature: 1.0}
    eval_tasksets:
      - name: gsm8k-eval
        path: openai/gsm8k
        subset_name: main
        split: test
        format: {prompt_key: question, response_key: answer}
explorer: {eval_interval: 20}
synchronizer: {sync_method: nccl, sync_interval: 20, sync_offset: 0}
trainer: {save_interval: 20, grad_clip: 1.0}
"""
"""The published configuration of arXiv:2509.24203 with a setting that does not exist."""
