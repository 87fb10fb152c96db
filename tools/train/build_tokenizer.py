"""Trains the byte-level BPE of 4,096 entries. Done once: a model is tied to its tokenizer."""

from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from chat import BOS, SPECIAL

# User, assistant and system must be single tokens: chat.encode counts on it.
ROLES = ["user", "assistant", "system"]


def build(split: dict, path: Path, size: int = 4096) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=SPECIAL, show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    texts = []
    for source, documents in split["train"].items():
        # The tales' old vocabulary would crowd out the plain words of the chats, which so count four times.
        times = {"fairy_tales": 0, "tinystories": 1, "soda": 1, "tinystories_chat": 0}.get(source, 4)
        documents = documents[::4] if source == "fairy_tales" else documents * times
        texts += [text for d in documents for _, alternatives in d for text in alternatives]
    texts += ROLES * 20000
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{SPECIAL[BOS]} $A", pair=f"{SPECIAL[BOS]} $A {SPECIAL[BOS]} $B", special_tokens=[(SPECIAL[BOS], BOS)])
    for role in ROLES:
        assert len(tokenizer.encode(role, add_special_tokens=False).ids) == 1, role
    path.parent.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(path))
    return tokenizer
