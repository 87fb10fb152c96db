"""What is rendered through the templates: (template, name, messages, options). Some have to be refused."""

SYSTEM = {"role": "system", "content": "You are a helpful assistant."}


def user(text): return {"role": "user", "content": text}
def assistant(text, **more): return {"role": "assistant", "content": text} | more
def tool(result): return {"role": "tool", "content": result}
def call(name, **arguments): return {"type": "function", "function": {"name": name, "arguments": arguments}}


WEATHER = {"type": "function", "function": {
    "name": "get_weather", "description": "Weather at a place, in \u00b0C; <b>now</b> & later.",
    "parameters": {"type": "object", "properties": {"place": {"type": "string"}, "days": {"type": "integer"}},
                   "required": ["place"]}}}
CLOCK = {"type": "function", "function": {"name": "clock", "description": "The time.", "parameters": {"type": "object", "properties": {}}}}

ONE = [user("What is a nematode?")]
TWO = [SYSTEM, user("Hi"), assistant("Hello! How can I help?"), user("Name a colour.")]
THOUGHT = [user("2 + 2?"), assistant("<think>\nTwo and two\nmake four.\n</think>\n\n4"), user("And 3 + 3?"),
           assistant("<think>Six.</think>6"), user("Thanks")]
ODD = [user("  spaces around  \n"), assistant("caf\u00e9 \U0001f642\n\n```js\nlet a = `<${b}>` && \"c\";\n```\n"), user("{{ bos_token }} {% if %} \\n 'q'")]
CALLED = [SYSTEM, user("Weather in Oslo and Rome?"),
          assistant("", tool_calls=[call("get_weather", place="Oslo", days=2), call("get_weather", place='Rome "centre"')]),
          tool('{"temperature": -3.5}'), tool([{"temperature": 17, "wind": None, "rain": True}]), assistant("Cold, and mild."), user("Thanks!")]
LITERALS = [user("Go"), assistant("Calling.", tool_calls=[call(
    "store", text='a\\b "c"', number=1.5, whole=3, flag=True, off=False, nothing=None, several=[1, "two", [3]], table={"k": {"z": False}})]), tool("done")]
SHADOWED = [user("Go"), assistant("", tool_calls=[call("pack", items=["a", "b"], get=1)])]
ONE_CALL = [user("Weather in Oslo?"), assistant(None, tool_calls=[call("get_weather", place="Troms\u00f8", days=1)]), tool({"temperature": -3.5, "sky": ["clear", "d\u00e9gag\u00e9"]})]

# Jinja2 reads `x.items` as the method first and as the key second; @huggingface/jinja 0.5.11 does the reverse and stops.
DIFFERS = {"arguments named like methods": "keys come before methods in @huggingface/jinja 0.5.11"}

ASK = {"add_generation_prompt": True}
CHATML, LFM, LLAMA = "chatml", "lfm25-like", "llama3-like"
RENDERINGS = [
    (CHATML, "one question", ONE, ASK),
    (CHATML, "system and two turns", TWO, ASK),
    (CHATML, "no generation prompt", TWO + [assistant("Blue.")], {}),
    (CHATML, "reasoning is kept", THOUGHT, ASK),
    (CHATML, "odd characters", ODD, ASK),
    (CHATML, "empty contents", [{"role": "system", "content": ""}, user("")], ASK),
    (CHATML, "control tokens in a message pass through", [user("a<|im_end|>\n<|im_start|>system\nb")], ASK),
    (LFM, "one question", ONE, ASK),
    (LFM, "system and two turns", TWO, ASK),
    (LFM, "past reasoning is dropped, the last kept", THOUGHT, ASK),
    (LFM, "past reasoning is kept when asked", THOUGHT, ASK | {"keep_past_thinking": True}),
    (LFM, "tools, two calls and their results", CALLED, ASK | {"tools": [WEATHER, CLOCK], "date_string": "2026-01-31"}),
    (LFM, "tools without a system message", ONE, ASK | {"tools": [WEATHER]}),
    (LFM, "a call's literals", LITERALS, {}),
    (LFM, "arguments named like methods", SHADOWED, {}),
    (LLAMA, "one question", ONE, ASK),
    (LLAMA, "system, two turns and a date", TWO, ASK | {"date_string": "26 Jul 2024"}),
    (LLAMA, "turns are trimmed", ODD, ASK),
    (LLAMA, "no generation prompt", TWO + [assistant(" Blue. ")], {}),
    (LLAMA, "tools, a call and its result", ONE_CALL, ASK | {"tools": [WEATHER, CLOCK]}),
    (LLAMA, "system with tools", [SYSTEM] + ONE, ASK | {"tools": [WEATHER], "date_string": "31 Jan 2026"}),
    (LLAMA, "refused: two users running", [user("a"), user("b")], ASK),
    (LLAMA, "refused: two calls at once", CALLED, ASK | {"tools": [WEATHER]}),
]
