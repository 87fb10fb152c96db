// Installs the service worker and tells the page of updates. A new version takes over only when the user says so, and then in every tab
// at once, by a reload: old and new files of the app never meet.
import { Workbox } from "workbox-window";

export interface ServiceWorkerEvents {
  readonly onOfflineReady: () => void; // once, after the first visit's files are stored
  readonly onUpdate: (apply: () => void) => void; // a new version waits
}

const CHECK_EVERY = 60 * 60 * 1000; // ms; an installed app may stay open for days

export function registerServiceWorker({ onOfflineReady, onUpdate }: ServiceWorkerEvents): void {
  if (!("serviceWorker" in navigator)) return;
  const workbox = new Workbox("./sw.js", { scope: "./", updateViaCache: "none" });
  const tell = () => onUpdate(() => workbox.messageSkipWaiting());
  workbox.addEventListener("activated", (event) => {
    if (event.isUpdate !== true && event.isExternal !== true) onOfflineReady();
  });
  workbox.addEventListener("waiting", tell);
  let controlled = navigator.serviceWorker.controller !== null;
  navigator.serviceWorker.addEventListener("controllerchange", () => {
    if (controlled) location.reload();
    controlled = true;
  });
  workbox
    .register()
    .then(() => setInterval(() => void workbox.update().catch(() => undefined), CHECK_EVERY)) // Offline is no error here.
    .catch((thrown: unknown) => console.warn("Gyre cannot work offline here:", thrown));
}
