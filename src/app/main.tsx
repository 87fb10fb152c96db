// The entry of the page.
import { start } from "./start";

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no element with the id root.");

const createWorker = () => new Worker(new URL("../worker/engine.worker.ts", import.meta.url), { type: "module", name: "gyre-engine" });
const { engine, notices, replies } = await start(root, createWorker);

if (import.meta.env.PROD) {
  await engine.settled(); // What makes the next visits work offline comes after what makes this one work.
  const { registerServiceWorker } = await import("../pwa/register");
  let told = 0; // id of the notice about the version that waits
  registerServiceWorker({
    onOfflineReady: () => void engine.loaded().then(() => notices.show("Ready to work offline.")), // The model is needed as well.
    onUpdate: (apply) => {
      notices.dismiss(told); // A page that stays open for days may see several.
      told = notices.show("A new version is ready.", {
        action: {
          label: "Reload",
          run: () => {
            replies.stop();
            apply();
          },
        },
        lastsMs: Infinity,
      });
    },
  });
}
