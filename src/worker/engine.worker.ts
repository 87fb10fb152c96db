// The worker's entry: wires the rooms together, and nothing else.
import { serve } from "../protocol/host";
import { WeightStore } from "../weights/store";
import { makeHandlers } from "./handlers";
import { Models } from "./models";

declare const self: DedicatedWorkerGlobalScope;

const store = new WeightStore();
// Built, this file lies in assets/ beside models/; in development, in src/worker/.
const models = new Models(store, new URL(`${import.meta.env.PROD ? "../" : "../../"}models/gyre-demo/`, self.location.href).href);
const host = serve(
  self,
  makeHandlers(models, (error) => host.fatal(error)),
);
models.sweep().catch(() => {}); // Nothing waits for it, and it is tried again next time.
