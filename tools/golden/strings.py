"""Texts that a tokenizer can get wrong, written with escapes wherever an editor could change what it saves."""

STRINGS = [
    "", " ", "  ", "   leading and trailing   ", "Hello world", " Hello", "hello  double  space", "Once upon a time",
    # contractions and case
    "I'm sure you'd say we'll, they've, it's, don't and o'clock.", "I'M SURE IT'S 'S 'LL 'x", "\u2019s isn\u2019t",
    # numbers
    "0", "12", "1234567890", " 1234", "3.14159 -2e10 1,000,000", "x1y22z333", "\u0661\u0662\u0663 \u00bd \u2167 \u00b2",
    # whitespace runs
    "\n", "\n\n", "\n\n\n", "a\n", "a\nb", "a\n\nb", "a \n b", "a  \n\n  b", "\t", "\t\tif x:\n\t\t\treturn\n", "a\tb",
    "a\r\nb\r\n", " \n \n ", "    four\n        eight", "nbsp\u00a0thin\u2009ideographic\u3000end", "\u0085\u2028\u2029",
    # punctuation and code
    "!!! ??? ...", "(a[b]{c})<d>", "def f(x): return x**2  # comment", "https://example.org/a?b=c&d=%20#e", "a_b-c.d/e\\f",
    "\"quoted\" 'single' `tick`", "$5.00 \u20ac3 \u00a37 #tag @name 50%", "{\"key\": [1, 2.5, null, true]}",
    # Latin with accents, composed and decomposed
    "caf\u00e9 na\u00efve \u00dcber stra\u00dfe \u0141\u00f3d\u017a", "cafe\u0301 nai\u0308ve", "\ufb01 \uff21\uff22\uff23 \u212b",
    # other scripts
    "\u4f60\u597d\uff0c\u4e16\u754c\u3002", "\u3053\u3093\u306b\u3061\u306f\u30c6\u30b9\u30c8", "\uc548\ub155\ud558\uc138\uc694",
    "\u041f\u0440\u0438\u0432\u0435\u0442, \u043c\u0438\u0440!", "\u0645\u0631\u062d\u0628\u0627 \u0628\u0627\u0644\u0639\u0627\u0644\u0645",
    "\u05e9\u05dc\u05d5\u05dd", "\u0928\u092e\u0938\u094d\u0924\u0947", "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35", "\u0393\u03b5\u03b9\u03ac \u03c3\u03bf\u03c5",
    # outside the basic plane, joiners, modifiers, and characters that print nothing
    "\U0001f642", "ok \U0001f44d\U0001f3fd!", "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466 family", "\U0001f1eb\U0001f1f7",
    "\u2764\ufe0f\u200d\U0001f525", "\U0001d54f \U00020000", "zero\u200bwidth\u200cjoin\u200der \ufeffbom", "\u202eright\u202c", "a\u0000b\u0007\u001b[0m\u007f",
    "\ufffd", "\ue000",
    # special tokens in the text, whole and broken
    "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n", "a<|endoftext|>b", "a <|im_end|> b", "<|im_end|", "<| im_end |>",
    "<s>hello</s>", "<s> hello </s> world", "<unk>", "<s><s></s></s>", "<|im_start|><|im_start|>", "<0x41> <0xE2>", "\u2581under\u2581bar",
    "<reponame>x<file_sep>y<gh_stars>1",
    # long
    "a" * 70, "ha" * 40, "The quick brown fox jumps over the lazy dog. " * 3,
]

# Cut inside a character: a decoder that shows text as it arrives meets all of these.
CUT = ["\U0001f642", "\u4f60\u597d", "e\u0301\u20ac", "ok \U0001f44d\U0001f3fd!"]

# Where @huggingface/tokenizers 0.2.0 answers otherwise, by fixture: the part of the case that differs, and why.
DIFFERS = {
    ("smollm2", "\u0661\u0662\u0663 \u00bd \u2167 \u00b2"): "ids: individual_digits splits at every numeric character, not only at decimal digits",
    ("stories260k", "zero\u200bwidth\u200cjoin\u200der \ufeffbom"): "decoded: a byte order mark that came as bytes must be kept",
}
