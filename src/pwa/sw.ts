// The service worker: keeps the app's own files for use offline. Weights are none of its business; they live in IndexedDB.
import { clientsClaim } from "workbox-core";
import { cleanupOutdatedCaches, createHandlerBoundToURL, type PrecacheEntry, precacheAndRoute } from "workbox-precaching";
import { NavigationRoute, registerRoute } from "workbox-routing";

declare const self: ServiceWorkerGlobalScope & { readonly __WB_MANIFEST: (PrecacheEntry | string)[] };

// oxlint-disable-next-line eslint/no-underscore-dangle -- workbox-build looks for exactly this name
precacheAndRoute(self.__WB_MANIFEST);
cleanupOutdatedCaches();

// Only the app's own address falls back to its page: a wrong address stays a wrong address, since relative files would not be found there.
const { pathname } = new URL(self.registration.scope);
const home = pathname.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
registerRoute(new NavigationRoute(createHandlerBoundToURL("index.html"), { allowlist: [new RegExp(`^${home}(index\\.html)?(\\?|$)`)] }));

// The first visit is served from the cache from then on, and not by a server that may meanwhile have newer files.
clientsClaim();

self.addEventListener("message", (event) => {
  if ((event.data as { type?: unknown } | null)?.type === "SKIP_WAITING") void self.skipWaiting();
});
