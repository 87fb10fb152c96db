// A conversation to the one text that a model was trained to continue, by the model's own Jinja template.
import { Environment, Interpreter, Template } from "@huggingface/jinja";
import { EngineError } from "../protocol/errors";
import { isRecord, readJsonIfPresent, readText, type Source } from "../weights/source";
import { strftime } from "./strftime";
import type { Tokenizer } from "./tokenizer";

const TEMPLATE = "chat_template.jinja";
const CONFIG = "tokenizer_config.json";

/** For models without a template whose vocabulary has ChatML's tokens. */
const CHATML = `{{ prefix }}{% for message in messages %}{{ '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}{% endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}`;

/**
 * For models without either: "user: text" on lines of their own. Such a model was not trained to chat, and nothing tells it when to stop.
 */
const PLAIN = `{{ prefix }}{% for message in messages %}{{ message.role + ': ' + message.content + '\\n' }}{% endfor %}
{%- if add_generation_prompt %}assistant:{% endif %}`;
const PLAIN_STOPS = ["\nuser:", "\nsystem:"] as const;

/** A message as templates see it; those of tools have more fields. */
export interface TemplateMessage {
  readonly role: string;
  readonly content?: unknown;
}

export interface RenderOptions {
  readonly addGenerationPrompt: boolean; // end with the words that begin a reply
  readonly extra?: Readonly<Record<string, unknown>>; // further variables, such as tools
}

/**
 * The template of a model's folder, or a fallback. Throws "model-damaged", or "model-unsupported" for a template that cannot be read here.
 */
export async function loadTemplate(source: Source, tokenizer: Tokenizer): Promise<ChatTemplate> {
  const config = (await readJsonIfPresent(source, CONFIG)) ?? {};
  const own = (await source.has(TEMPLATE)) ? await readText(source, TEMPLATE) : configTemplate(config.chat_template);
  const variables = { bos_token: tokenizer.bosToken ?? "", eos_token: tokenizer.eosToken ?? "" };
  if (own !== null) return new ChatTemplate(own, variables);
  // What the tokenizer would put before any text, since a rendered template is encoded without it.
  const prefix = tokenizer.decode(tokenizer.encode("", { special: true }), { skipSpecial: false });
  const isChatML = tokenizer.id("<|im_start|>") !== undefined && tokenizer.id("<|im_end|>") !== undefined;
  return isChatML ? new ChatTemplate(CHATML, { prefix }) : new ChatTemplate(PLAIN, { prefix }, PLAIN_STOPS);
}

export class ChatTemplate {
  /** Stop strings that a reply needs because no token ends its turn; only the plain fallback has any. */
  readonly stops: readonly string[];
  readonly #template: Template;
  readonly #variables: Readonly<Record<string, unknown>>;

  /** `variables` are visible to every rendering. Throws "model-unsupported" if the source cannot be parsed. */
  constructor(source: string, variables: Readonly<Record<string, unknown>>, stops: readonly string[] = []) {
    try {
      this.#template = new Template(source);
    } catch (error) {
      throw unsupported(error);
    }
    this.#variables = variables;
    this.stops = stops;
  }

  /**
   * The text, special tokens written out: encode it with `special: false`. Throws "bad-request" with the template's own words when it
   * refuses the messages, and "model-unsupported" when it uses what the template library lacks.
   */
  render(messages: readonly TemplateMessage[], options: RenderOptions): string {
    const environment = new Environment();
    const variables = {
      ...GLOBALS,
      ...this.#variables,
      ...options.extra,
      messages: messages.map(withoutNulls),
      add_generation_prompt: options.addGenerationPrompt,
    };
    for (const [name, value] of Object.entries(variables)) environment.set(name, value);
    try {
      const text: unknown = new Interpreter(environment).run(this.#template.parsed).value;
      return typeof text === "string" ? text : "";
    } catch (error) {
      if (error instanceof Refusal) throw new EngineError("bad-request", error.message, "The model's chat template refused the messages.");
      throw unsupported(error);
    }
  }
}

class Refusal extends Error {}

/** What transformers gives every template, with our own dates and a refusal that can be told from a failure. */
const GLOBALS: Readonly<Record<string, unknown>> = {
  true: true,
  false: false,
  none: null,
  True: true,
  False: false,
  None: null,
  range,
  raise_exception: (message: unknown) => {
    throw new Refusal(String(message));
  },
  strftime_now: (format: string) => strftime(new Date(), format),
};

/** Python's range. */
function range(start: number, stop?: number, step?: number): number[] {
  const [first, end, by] = stop === undefined ? [0, start, 1] : [start, stop, step ?? 1];
  if (by === 0) throw new RangeError("range() with a step of zero");
  return Array.from({ length: Math.max(0, Math.ceil((end - first) / by)) }, (_, i) => first + i * by);
}

/** The configuration has the template, or a list of named ones. */
function configTemplate(entry: unknown): string | null {
  if (typeof entry === "string") return entry;
  if (!Array.isArray(entry)) return null;
  const named = entry.filter(isRecord);
  const chosen = named.find((item) => item.name === "default") ?? named[0];
  return typeof chosen?.template === "string" ? chosen.template : null;
}

/** transformers leaves out a message's null fields before a template sees them. */
function withoutNulls(message: TemplateMessage): Record<string, unknown> {
  return Object.fromEntries(Object.entries(message).filter(([, value]) => value !== null && value !== undefined));
}

function unsupported(error: unknown): EngineError {
  const reason = error instanceof Error ? error.message : String(error);
  return new EngineError("model-unsupported", "This model's chat template uses something that is not known here.", reason);
}
