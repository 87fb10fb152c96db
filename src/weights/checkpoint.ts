// Opens a model's folder, wherever it lies: reads the JSON files and the safetensors headers, and leaves the weights for later.
import { EngineError } from "../protocol/errors";
import { isSafePath } from "./checks";
import { MANIFEST_PATH, parseManifest } from "./package";
import { readHeader, type SafetensorsHeader } from "./safetensors";
import { type Checkpoint, isRecord, type PackageInfo, readJson, readJsonIfPresent, type Source, type TensorInfo } from "./source";

const WEIGHTS = "model.safetensors";
const INDEX = "model.safetensors.index.json";

/**
 * Reads config.json, generation_config.json, gyre.json and the weights' headers.
 * Throws "model-missing" or "model-damaged", always naming the file.
 */
export async function openCheckpoint(source: Source): Promise<Checkpoint> {
  const config = await readJson(source, "config.json");
  const generationConfig = (await readJsonIfPresent(source, "generation_config.json")) ?? {};
  const manifest = await readJsonIfPresent(source, MANIFEST_PATH);
  const packed = manifest === null ? null : parseManifest(manifest);
  return new FileCheckpoint(source, config, generationConfig, packed, await readTensors(source));
}

class FileCheckpoint implements Checkpoint {
  readonly source: Source;
  readonly config: Record<string, unknown>;
  readonly generationConfig: Record<string, unknown>;
  readonly packed: PackageInfo | null;
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly bytes: number;
  readonly #unsupported: ReadonlyMap<string, string>;

  constructor(
    source: Source,
    config: Record<string, unknown>,
    generationConfig: Record<string, unknown>,
    packed: PackageInfo | null,
    header: SafetensorsHeader,
  ) {
    this.source = source;
    this.config = config;
    this.generationConfig = generationConfig;
    this.packed = packed;
    this.tensors = header.tensors;
    this.#unsupported = header.unsupported;
    this.bytes = [...header.tensors.values()].reduce((sum, tensor) => sum + tensor.end - tensor.begin, 0);
  }

  async tensor(name: string, from?: number, to?: number): Promise<Uint8Array<ArrayBuffer>> {
    const info = this.tensors.get(name);
    if (info === undefined) throw this.#absent(name);
    if (from === undefined && to === undefined) return this.source.read(info.file, info.begin, info.end);
    const rows = info.shape[0] ?? 1;
    const first = from ?? 0;
    const last = to ?? rows;
    if (!Number.isInteger(first) || !Number.isInteger(last) || first < 0 || last < first || last > rows) {
      throw new EngineError("bad-request", `Tensor ${name} has ${rows} rows; rows ${first} to ${last} are not in it.`);
    }
    const rowBytes = rows === 0 ? 0 : (info.end - info.begin) / rows;
    return this.source.read(info.file, info.begin + first * rowBytes, info.begin + last * rowBytes);
  }

  #absent(name: string): EngineError {
    const dtype = this.#unsupported.get(name);
    if (dtype === undefined) return new EngineError("model-missing", `The model has no tensor ${name}.`, this.source.name);
    return new EngineError(
      "model-unsupported",
      `Tensor ${name} has the element type ${dtype}, which cannot be read here.`,
      this.source.name,
    );
  }
}

async function readTensors(source: Source): Promise<SafetensorsHeader> {
  if (await source.has(WEIGHTS)) return readHeader(source, WEIGHTS);
  if (!(await source.has(INDEX))) throw new EngineError("model-missing", `${WEIGHTS} is missing from ${source.name}.`);
  const weightMap = parseIndex(await readJson(source, INDEX));
  const headers = new Map<string, SafetensorsHeader>();
  for (const file of new Set(weightMap.values())) headers.set(file, await readHeader(source, file));
  const tensors = new Map<string, TensorInfo>();
  const unsupported = new Map<string, string>();
  for (const [name, file] of weightMap) {
    const info = headers.get(file)?.tensors.get(name);
    const dtype = headers.get(file)?.unsupported.get(name);
    if (info !== undefined) tensors.set(name, info);
    else if (dtype !== undefined) unsupported.set(name, dtype);
    else throw new EngineError("model-damaged", `${file} is damaged: it lacks tensor ${name}, which ${INDEX} says it holds.`, source.name);
  }
  return { tensors, unsupported };
}

/** Tensor name -> file. The index is the only place that knows how the files are called: some models give a single file an odd name. */
function parseIndex(index: Record<string, unknown>): ReadonlyMap<string, string> {
  const { weight_map: weightMap } = index;
  if (!isRecord(weightMap)) throw new EngineError("model-damaged", `${INDEX} is damaged: it has no weight_map.`);
  const map = new Map<string, string>();
  for (const [name, file] of Object.entries(weightMap)) {
    if (!isSafePath(file)) throw new EngineError("model-damaged", `${INDEX} is damaged: tensor ${name} has no file inside this folder.`);
    map.set(name, file);
  }
  if (map.size === 0) throw new EngineError("model-damaged", `${INDEX} is damaged: its weight_map is empty.`);
  return map;
}
