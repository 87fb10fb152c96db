import { useEffect, useState } from "react";

/** The event in which Chromium browsers offer to install the app; TypeScript's library leaves it out. */
interface InstallEvent extends Event {
  prompt(): Promise<unknown>;
}

/** A function that offers to install the app; null where the browser makes no such offer, or it is installed. */
export function useInstall(): (() => void) | null {
  const [offer, setOffer] = useState<InstallEvent | null>(null);
  useEffect(() => {
    const onOffer = (event: Event) => {
      event.preventDefault(); // The page has its own button, so no banner is needed.
      setOffer(event as InstallEvent);
    };
    const onInstalled = () => setOffer(null);
    addEventListener("beforeinstallprompt", onOffer);
    addEventListener("appinstalled", onInstalled);
    return () => {
      removeEventListener("beforeinstallprompt", onOffer);
      removeEventListener("appinstalled", onInstalled);
    };
  }, []);
  if (offer === null) return null;
  return () => {
    setOffer(null); // It can be used once.
    void offer.prompt();
  };
}
