// The worker's entry: wires the rooms together, and nothing else.
import { serve } from "../protocol/host";
import { WeightStore } from "../weights/store";
import { makeHandlers } from "./handlers";
import { Models } from "./models";

declare const self: DedicatedWorkerGlobalScope;

const store = new WeightStore();
// The bundle lies in assets/, beside models/.
const models = new Models(store, new URL("../models/gyre-demo/", self.location.href).href);
const host = serve(
  self,
  makeHandlers(models, (error) => host.fatal(error)),
);
// What an interrupted import left behind; nothing waits for it, and it is tried again next time.
store.sweep(new Set(["gyre-demo"])).catch(() => {});
