import { EngineError } from "../protocol/errors";

/** What a device is refused with whose kernels contradict their references; `detail` says which one did. */
export function wrongResult(detail: string): EngineError {
  return new EngineError("wrong-result", "This GPU computed a wrong result.", detail);
}
