// A conversation to the one text that a model was trained to continue, by the model's own template.
import { isRecord, readJsonIfPresent, readText, type Source } from "../weights/source";
import type { Tokenizer } from "./tokenizer";

const TEMPLATE = "chat_template.jinja";
const CONFIG = "tokenizer_config.json";

/** ChatML in Jinja's words, as the shipped model has it. What says just this is written without the Jinja library, and without fetching it. */
const CHATML =
  "{{ bos_token }}{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

/** A message as templates see it; those of tools have more fields. */
export interface TemplateMessage {
  readonly role: string;
  readonly content?: unknown;
}

export interface RenderOptions {
  readonly addGenerationPrompt: boolean; // end with the words that begin a reply
  readonly extra?: Readonly<Record<string, unknown>>; // further variables, such as tools
}

export interface ChatTemplate {
  /** Stop strings that a reply needs because no token ends its turn; only the plain fallback has any. */
  readonly stops: readonly string[];
  /** The text, special tokens written out: encode it with `special: false`. */
  render(messages: readonly TemplateMessage[], options: RenderOptions): string;
}

/**
 * The template of a model's folder, or a fallback. Throws "model-damaged", or "model-unsupported" for a template that cannot be read here.
 */
export async function loadTemplate(source: Source, tokenizer: Tokenizer): Promise<ChatTemplate> {
  const config = (await readJsonIfPresent(source, CONFIG)) ?? {};
  const own = (await source.has(TEMPLATE)) ? await readText(source, TEMPLATE) : configTemplate(config.chat_template);
  const bos = tokenizer.bosToken ?? "";
  if (own === CHATML) return chatML(bos);
  if (own !== null) {
    const { JinjaTemplate } = await import("./jinja_template");
    return new JinjaTemplate(own, { bos_token: bos, eos_token: tokenizer.eosToken ?? "" });
  }
  // What the tokenizer would put before any text, since a rendered template is encoded without it.
  const prefix = tokenizer.decode(tokenizer.encode("", { special: true }), { skipSpecial: false });
  const isChatML = tokenizer.id("<|im_start|>") !== undefined && tokenizer.id("<|im_end|>") !== undefined;
  return isChatML ? chatML(prefix) : plain(prefix);
}

function chatML(prefix: string): ChatTemplate {
  const turn = ({ role, content }: TemplateMessage) => `<|im_start|>${role}\n${textOf(content)}<|im_end|>\n`;
  return {
    stops: [],
    render: (messages, { addGenerationPrompt }) =>
      `${prefix}${messages.map(turn).join("")}${addGenerationPrompt ? "<|im_start|>assistant\n" : ""}`,
  };
}

/** For models that know no turns: "user: text" on lines of their own. Such a model was not trained to chat, and nothing tells it when to stop. */
function plain(prefix: string): ChatTemplate {
  return {
    stops: ["\nuser:", "\nsystem:"],
    render: (messages, { addGenerationPrompt }) =>
      `${prefix}${messages.map(({ role, content }) => `${role}: ${textOf(content)}\n`).join("")}${addGenerationPrompt ? "assistant:" : ""}`,
  };
}

const textOf = (content: unknown) => (typeof content === "string" ? content : "");

/** The configuration has the template, or a list of named ones. */
function configTemplate(entry: unknown): string | null {
  if (typeof entry === "string") return entry;
  if (!Array.isArray(entry)) return null;
  const named = entry.filter(isRecord);
  const chosen = named.find((item) => item.name === "default") ?? named[0];
  return typeof chosen?.template === "string" ? chosen.template : null;
}
