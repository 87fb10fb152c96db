import { useEffect, useState } from "react";
import controls from "../styles/controls.module.css";

interface Props {
  readonly label: string;
  readonly question: string; // what the button says before the second press
  readonly onConfirm: () => void;
}

/** A button for what cannot be taken back: it asks once more, in its own place, for a few seconds. */
export function ConfirmButton({ label, question, onConfirm }: Props) {
  const [asking, setAsking] = useState(false);
  useEffect(() => {
    if (!asking) return;
    const timer = setTimeout(() => setAsking(false), 5000);
    return () => clearTimeout(timer);
  }, [asking]);
  return (
    <button
      type="button"
      className={controls.danger}
      onClick={() => {
        setAsking(!asking);
        if (asking) onConfirm();
      }}
    >
      {asking ? question : label}
    </button>
  );
}
