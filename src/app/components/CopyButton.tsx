import { useEffect, useState } from "react";
import { useStores } from "../context";
import controls from "../styles/controls.module.css";
import { Icon } from "./Icon";

export function CopyButton({ text, label }: { readonly text: string; readonly label: string }) {
  const { notices } = useStores();
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 1500);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setCopied(true);
    } catch {
      notices.show("The browser did not let Gyre copy. Select the text and copy it by hand.");
    }
  };
  return (
    <button type="button" className={controls.icon} aria-label={copied ? "Copied" : label} title={label} onClick={() => void copy()}>
      <Icon name={copied ? "check" : "copy"} />
    </button>
  );
}
