// A model's own chat template, in Jinja. A module of its own, because the library is large and the shipped model does without.
import { Environment, Interpreter, Template } from "@huggingface/jinja";
import { EngineError } from "../protocol/errors";
import { strftime } from "./strftime";
import type { ChatTemplate, RenderOptions, TemplateMessage } from "./template";

export class JinjaTemplate implements ChatTemplate {
  readonly stops = [];
  readonly #template: Template;
  readonly #variables: Readonly<Record<string, unknown>>;

  /** `variables` are visible to every rendering. Throws "model-unsupported" if the source cannot be parsed. */
  constructor(source: string, variables: Readonly<Record<string, unknown>>) {
    try {
      this.#template = new Template(source);
    } catch (error) {
      throw unsupported(error);
    }
    this.#variables = variables;
  }

  /** Throws "bad-request" with the template's own words when it refuses the messages, "model-unsupported" when it uses what the library lacks. */
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

/** transformers leaves out a message's null fields before a template sees them. */
function withoutNulls(message: TemplateMessage): Record<string, unknown> {
  return Object.fromEntries(Object.entries(message).filter(([, value]) => value !== null && value !== undefined));
}

function unsupported(error: unknown): EngineError {
  const reason = error instanceof Error ? error.message : String(error);
  return new EngineError("model-unsupported", "This model's chat template uses something that is not known here.", reason);
}
