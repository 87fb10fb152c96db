"""Turns a plain story into a chat: somebody asks for a story about its main character.

The character is found by simple patterns ("a little bird named Pip") or, failing
that, by the concrete noun that the story names most often.
"""

import re
from collections import Counter

NOUNS = set("""fox dog cat bird rabbit bunny bear mouse frog duck fish lion tiger monkey elephant horse cow pig sheep
goat hen chicken wolf owl bee ant spider snail turtle whale dolphin shark octopus crab butterfly ladybug worm snake
squirrel deer hedgehog raccoon kangaroo giraffe zebra hippo penguin parrot eagle crow swan dinosaur dragon unicorn
fairy witch wizard king queen prince princess knight pirate robot monster ghost giant mermaid clown farmer baker doctor
sailor boy girl baby grandma grandpa boat ship car truck train plane bus bike kite ball doll teddy toy balloon box
book tree flower garden forest farm castle house cave hill mountain river lake sea beach island park zoo snowman star
moon sun cloud rain rainbow snow wind storm cake cookie apple banana carrot pumpkin pie soup sandwich hat coat shoe
puppy kitten lamb pony""".split())

NAMED = re.compile(r"\b(?:an?|the) ((?:[a-z]+,? )?)([a-z]+) (?:who was )?(?:named|called) ([A-Z][a-z]+)")

ASK = """Tell me a story about {x}|Tell me a story about {x}.|tell me a story about {x}|Can you tell me a story about {x}?
Please tell me a story about {x}.|Tell me a short story about {x}|I would like a story about {x}.|a story about {x}
story about {x}|a story about {x} please|Could you tell me a story about {x}?|Write a story about {x}
Make up a story about {x}|Tell a story about {x}|Do you know a story about {x}?|I want to hear a story about {x}
can you tell a story about {x}|Write a short story about {x}.|Tell me a tale about {x}|tell me a bedtime story about {x}
Hi, can you tell me a story about {x}?|Hello! Tell me a story about {x}|Give me a story about {x}
I want a story about {x}|tell me something about {x}, a story|Let's hear a story about {x}|story with {x}
May I have a story about {x}?|Tell us a story about {x}|Another story about {x}, please|Now a story about {x}
could you please tell a short story about {x}|Invent a little story about {x}|we want a story about {x}"""

ASK_ANY = """Tell me a story|tell me a story|Tell me a story.|Can you tell me a story?|A story, please|Please tell me a story.
I want to hear a story|Do you know any stories?|Tell me a bedtime story|Tell me another story|one more story please|story
Write me a story|tell a story|Could you tell me a short story?|Once upon a time...|I would like to hear a story"""


def article(noun: str) -> str:
    if noun in ("sun", "moon", "sea", "snow", "rain", "wind"):
        return f"the {noun}"
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def subjects(story: str) -> list[str]:
    words = re.findall(r"[A-Za-z]+", story.lower())
    counts = Counter(w for w in (w if w in NOUNS else w[:-1] for w in words) if w in NOUNS)
    found = [noun for noun, n in counts.most_common(2) if n >= 3]
    out = [article(noun) for noun in found]
    if match := NAMED.search(story):
        adjective, noun, name = match.groups()
        phrase = article(adjective.replace(",", "") + noun)
        out += [phrase, f"{article(noun)} named {name}", name]
    if len(found) == 2:
        out.append(f"{article(found[0])} and {article(found[1])}")
    return out


def as_chat(story: str) -> list[tuple[str, list[str]]]:
    asks = [a.strip() for a in ASK.replace("\n", "|").split("|")]
    anything = [a.strip() for a in ASK_ANY.replace("\n", "|").split("|")]
    about = [ask.format(x=x) for x in subjects(story) for ask in asks]
    # A tenth of the requests name nothing, and all do when nothing was found.
    return [("user", about + anything[: max(1, len(about) // 10)] if about else anything), ("assistant", [story])]
