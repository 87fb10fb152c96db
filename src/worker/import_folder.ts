// Takes a model's folder that the user picked into the store: converted, or copied where it is a package already.
import { convertCheckpoint } from "../engine/convert";
import { EngineError } from "../protocol/errors";
import type { PickedFile, Precision } from "../protocol/messages";
import { loadTokenizer } from "../text/tokenizer";
import { BlobSource } from "../weights/blob_source";
import { openCheckpoint } from "../weights/checkpoint";
import { chunkSpan, MANIFEST_PATH, type Manifest, packageBytes, parseManifest, sha256 } from "../weights/package";
import type { PackageSink } from "../weights/package_writer";
import { readJson, type Source } from "../weights/source";
import { ensureRoom } from "../weights/store";

type Report = (done: number, total: number) => void; // bytes

/** Looks at the folder, then gives what writes its package. Throws what is wrong with the folder, naming the file, and "storage-full". */
export async function readFolder(name: string, files: readonly PickedFile[], precision: Precision) {
  const source = new BlobSource(name, files);
  const checkpoint = await openCheckpoint(source);
  await loadTokenizer(source); // before the long part, so that a missing tokenizer is told at once
  await ensureRoom(checkpoint.bytes);
  return (sink: PackageSink, onProgress: Report, signal: AbortSignal): Promise<Manifest> =>
    checkpoint.packed
      ? copyPackage(source, sink, onProgress, signal)
      : convertCheckpoint(checkpoint, { name, precision, onProgress, signal }, sink);
}

/** Copies a package chunk by chunk, each checked against its hash; gyre.json last, which makes it whole. */
async function copyPackage(source: Source, sink: PackageSink, onProgress: Report, signal: AbortSignal): Promise<Manifest> {
  const manifest = parseManifest(await readJson(source, MANIFEST_PATH));
  const total = packageBytes(manifest);
  let done = 0;
  for (const file of manifest.files) {
    for (const [index, hash] of file.chunks.entries()) {
      signal.throwIfAborted();
      const { start, end } = chunkSpan(manifest, file, index);
      const bytes = await source.read(file.path, start, end);
      if ((await sha256(bytes)) !== hash) {
        throw new EngineError(
          "model-damaged",
          `${file.path} is damaged: its part ${index + 1} is not what ${MANIFEST_PATH} says.`,
          source.name,
        );
      }
      await sink.write(file.path, index, bytes);
      done += bytes.length;
      onProgress(done, total);
    }
  }
  await sink.write(MANIFEST_PATH, 0, await source.read(MANIFEST_PATH, 0, await source.size(MANIFEST_PATH)));
  return manifest;
}
