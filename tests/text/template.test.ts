import fc from "fast-check";
import { expect, test } from "vitest";
import { FolderSource } from "../../src/cli/folder_source";
import { JinjaTemplate } from "../../src/text/jinja_template";
import { type ChatTemplate, loadTemplate } from "../../src/text/template";
import { loadTokenizer, Tokenizer } from "../../src/text/tokenizer";
import { readText } from "../../src/weights/source";
import { type Files, MemorySource } from "../weights/memory_source";
import { byteLevelJson, stories, type TemplateFixture, templateCases } from "./fixtures";

function render({ template, messages, options }: TemplateFixture["cases"][number]): string {
  const { source, bos_token } = templateCases.templates[template]!;
  const { add_generation_prompt, ...extra } = options;
  return new JinjaTemplate(source, { bos_token }).render(messages, { addGenerationPrompt: add_generation_prompt === true, extra });
}

function attempt(use: () => string): string {
  try {
    return use();
  } catch (error) {
    return String(error);
  }
}

const rendered = templateCases.cases.filter((item) => item.expected !== undefined && item.differs === undefined);
const refused = templateCases.cases.filter((item) => item.error !== undefined);
const different = templateCases.cases.filter((item) => item.differs !== undefined);

test.each(rendered)("$template, $name: as transformers renders it", (item) => {
  expect(render(item)).toBe(item.expected);
});

test.each(refused)("$template, $name: in the template's own words", (item) => {
  expect(() => render(item)).toThrow(expect.objectContaining({ code: "bad-request", message: item.error }));
});

// When this fails, the library has been mended: then tools/golden can drop the mark, and the case joins the others.
test.each(different)("$template, $name: the library still differs ($differs)", (item) => {
  expect(attempt(() => render(item))).not.toBe(item.expected);
});

test("the fixtures hold every kind of case", () => {
  expect([rendered.length > 15, refused.length > 1]).toEqual([true, true]);
});

const plain = (source: string, extra: Record<string, unknown> = {}) =>
  new JinjaTemplate(source, {}).render([{ role: "user", content: "Hi" }], { addGenerationPrompt: true, extra });

test("today's date is in English, whatever the browser's language", () => {
  const today = plain("{{ strftime_now('%d %b %Y') }}");
  expect(today).toMatch(/^\d\d (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) 20\d\d$/);
});

test("generation blocks show their content", () => {
  expect(plain("a{% generation %}{{ messages[0].content }}{% endgeneration %}b")).toBe("aHib");
});

test("range, constants and tojson are Python's", () => {
  expect(
    plain(
      "{% for i in range(3) %}{{ i }}{% endfor %}|{% for i in range(5, 0, -2) %}{{ i }}{% endfor %}|{% for i in range(2, 2) %}x{% endfor %}",
    ),
  ).toBe("012|531|");
  expect(plain("{{ 'yes' if True and not none else 'no' }} {{ x | tojson }}", { x: { a: [1, "é"], b: null } })).toBe(
    'yes {"a": [1, "é"], "b": null}',
  );
});

test("null fields of a message are not defined", () => {
  const template = new JinjaTemplate("{{ 'set' if messages[0].tool_calls is defined else 'unset' }}", {});
  const message = { role: "user", content: "Hi", tool_calls: null };
  expect(template.render([message], { addGenerationPrompt: false })).toBe("unset");
});

test("one template renders any number of times, with nothing left over", () => {
  const template = new JinjaTemplate("{% set n = (n or 0) + 1 %}{{ n }}", {});
  const twice = [1, 2].map(() => template.render([], { addGenerationPrompt: false }));
  expect(twice).toEqual(["1", "1"]);
});

test.each([
  ["that does not parse", "{% if %}"],
  ["that uses an unknown filter", "{{ messages | no_such_filter }}"],
])("a template %s is unsupported", (_, source) => {
  expect(() => plain(source)).toThrow(expect.objectContaining({ code: "model-unsupported" }));
});

const load = (files: Files, tokenizer = stories) => loadTemplate(new MemorySource(files), tokenizer);
const say = (template: ChatTemplate) =>
  template.render(
    [
      { role: "system", content: "Be brief." },
      { role: "user", content: "Hi" },
    ],
    { addGenerationPrompt: true },
  );

test("the file is preferred to the configuration, and sees the tokenizer's tokens", async () => {
  const files: Files = {
    "chat_template.jinja": "{{ bos_token }}file{{ eos_token }}",
    "tokenizer_config.json": { chat_template: "config" },
  };
  expect(say(await load(files))).toBe("<s>file</s>");
  expect(say(await load({ "tokenizer_config.json": { chat_template: "config" } }))).toBe("config");
});

test("of several named templates the default is taken, or else the first", async () => {
  const named = (...names: string[]) => ({ "tokenizer_config.json": { chat_template: names.map((name) => ({ name, template: name })) } });
  expect(say(await load(named("tool_use", "default")))).toBe("default");
  expect(say(await load(named("rag", "tool_use")))).toBe("rag");
});

test("without a template, ChatML where the vocabulary has it", async () => {
  const template = await load({}, new Tokenizer(byteLevelJson(), {}));
  expect(say(template)).toBe("<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n");
  expect(template.stops).toEqual([]);
});

test("without either, plain lines that begin as the tokenizer begins a text, and stop at the next turn", async () => {
  const template = await load({ "tokenizer_config.json": { chat_template: 3 } });
  expect(say(template)).toBe("<s>system: Be brief.\nuser: Hi\nassistant:");
  expect(template.stops).toContain("\nuser:");
});

test("the shipped model's template is written without the library, and as the library renders it", async () => {
  const source = new FolderSource("public/models/gyre-demo");
  const written = await loadTemplate(source, await loadTokenizer(source));
  const rendered = new JinjaTemplate(await readText(source, "chat_template.jinja"), { bos_token: "<|startoftext|>" });
  expect(written).not.toBeInstanceOf(JinjaTemplate);
  const message = fc.record({ role: fc.constantFrom("system", "user", "assistant"), content: fc.string({ unit: "binary" }) });
  fc.assert(
    fc.property(fc.array(message, { maxLength: 5 }), fc.boolean(), (messages, addGenerationPrompt) => {
      expect(written.render(messages, { addGenerationPrompt })).toBe(rendered.render(messages, { addGenerationPrompt }));
    }),
  );
});
