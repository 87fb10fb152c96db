"""ChatML: how turns become text, and which of its tokens count in the loss."""

import random

PAD, BOS, EOT, IM_START, IM_END = range(5)
SPECIAL = ["<|pad|>", "<|startoftext|>", "<|endoftext|>", "<|im_start|>", "<|im_end|>"]

TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)

# Most chats have no system message; some do, so that one does not derail the model.
SYSTEMS = ["You are a helpful assistant.", "You are Gyre, a friendly assistant.", "Answer in short, simple sentences.",
           "You are a helpful assistant trained by nobody in particular.", "Be kind and brief.", "You are Gyre."]


def render(turns: list[tuple[str, str]]) -> str:
    if turns[0][0] == "text":
        return SPECIAL[BOS] + turns[0][1] + SPECIAL[EOT]
    return SPECIAL[BOS] + "".join(f"<|im_start|>{role}\n{text}<|im_end|>\n" for role, text in turns)


def roughen(text: str, rng: random.Random) -> str:
    """What people type: lower case, no full stop, a space too many."""
    if rng.random() < 0.2:
        text = text.lower()
    if rng.random() < 0.2:
        text = text.rstrip(".?!")
    if rng.random() < 0.08:
        text = text.replace("'", "")
    if rng.random() < 0.03:
        text += rng.choice(["!", " ", "?", "...", " :)"])
    return text or "?"


def draw(document: list[tuple[str, list[str]]], rng: random.Random) -> list[tuple[str, str]]:
    """One alternative of each turn."""
    return [(role, roughen(rng.choice(texts), rng) if role == "user" else rng.choice(texts)) for role, texts in document]


def encode(tokenizer, turns: list[tuple[str, str]], user_weight: float) -> tuple[list[int], list[float]]:
    """Token ids, and each one's weight in the loss as a prediction."""
    ids = tokenizer.encode(render(turns), add_special_tokens=False).ids
    if turns[0][0] == "text":
        return ids, [0.0] + [1.0] * (len(ids) - 1)
    weights, turn, header = [], -1, 0
    for token in ids:
        if token == IM_START:
            turn, header = turn + 1, 3  # this token, the role and the line's end: the template writes them
        inside = turn >= 0 and header == 0 and turn < len(turns)
        weights.append({"assistant": 1.0, "user": user_weight}.get(turns[turn][0], 0.0) if inside else 0.0)
        header = max(0, header - 1)
        if token == IM_END:
            header = 1 << 30  # the line's end after it counts for nothing either
    return ids, weights
