import { useStores, useValue } from "../context";
import controls from "../styles/controls.module.css";
import { Icon } from "./Icon";
import classes from "./Notices.module.css";

export function Notices() {
  const { notices } = useStores();
  const list = useValue(notices.list);
  return (
    <div className={classes.region} role="status" aria-live="polite">
      {list.map(({ id, text, action }) => (
        <div key={id} className={classes.notice}>
          <span>{text}</span>
          {action !== null && (
            <button
              type="button"
              className={classes.action}
              onClick={() => {
                notices.dismiss(id);
                action.run();
              }}
            >
              {action.label}
            </button>
          )}
          <button type="button" className={controls.icon} aria-label="Dismiss" onClick={() => notices.dismiss(id)}>
            <Icon name="close" />
          </button>
        </div>
      ))}
    </div>
  );
}
