"""A small Llama with random weights and a character tokenizer, built without a download."""

from pathlib import Path

import torch
from tokenizers import Regex, Tokenizer, decoders
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Split
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from algorithms.base import UserError
from algorithms.sources import TinyLlama

PAD, END, UNKNOWN = "<pad>", "<eos>", "<unk>"


def build(source: TinyLlama, folder: Path) -> None:
    """Write the model and its tokenizer as a transformers folder.

    Raises:
        UserError: the heads do not divide the width into even parts.
    """
    if source.hidden_size % (2 * source.heads):
        raise UserError(
            f"{source.heads} heads do not divide a width of {source.hidden_size} into even parts. "
            "Choose a width that is a multiple of twice the number of heads."
        )
    tokenizer = character_tokenizer(source.characters, max_tokens=source.max_tokens)
    tokenizer.save_pretrained(folder)
    torch.manual_seed(source.seed)
    model = LlamaForCausalLM(  # type: ignore[no-untyped-call]
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=source.hidden_size,
            intermediate_size=source.intermediate_size,
            num_hidden_layers=source.layers,
            num_attention_heads=source.heads,
            max_position_embeddings=source.max_tokens,
            tie_word_embeddings=False,
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )
    model.save_pretrained(folder)


def character_tokenizer(characters: str, *, max_tokens: int) -> PreTrainedTokenizerFast:
    """Return a fast tokenizer with one token per character; the rest is unknown to it."""
    vocabulary = {
        token: i for i, token in enumerate(dict.fromkeys([PAD, END, UNKNOWN, *characters]))
    }
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = Split(Regex(r"[\s\S]"), behavior="isolated")
    tokenizer.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=END,
        unk_token=UNKNOWN,
        model_max_length=max_tokens,
        clean_up_tokenization_spaces=False,
    )
