// The page's few icons, drawn for it: 20 units wide, strokes that take the text's colour.

const PATHS = {
  menu: "M3 6h14M3 10h14M3 14h9",
  plus: "M10 4v12M4 10h12",
  send: "M10 16.5V4M4.5 9.5 10 4l5.5 5.5",
  stop: "M5.5 5.5h9v9h-9z",
  copy: "M7.5 7.5h8v9h-8zM4.5 12.5v-9h8",
  check: "m4 10.5 4 4 8-9",
  again: "M15.9 8A6.2 6.2 0 1 0 16 12M16.5 3.8V8h-4.2",
  edit: "m4 16 .8-3.4L13.4 4a1.6 1.6 0 0 1 2.4 2.3L7.3 15.1zM11.8 5.6l2.5 2.5",
  bin: "M4 6h12M8 6V4h4v2M5.5 6l.7 10.5h7.6L14.5 6M8.6 9v4.5M11.4 9v4.5",
  settings: "M3 6.5h7M14 6.5h3M3 13.5h3M10 13.5h7M12 4.5v4M8 11.5v4",
  model: "M6 6h8v8H6zM8 3v3M12 3v3M8 14v3M12 14v3M3 8h3M3 12h3M14 8h3M14 12h3",
  close: "m5 5 10 10M15 5 5 15",
  search: "M8.8 14.3a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11zM12.9 12.9l4 4",
  down: "M10 4v11.5M5 10.5l5 5 5-5",
  install: "M10 3v9M6.5 8.8 10 12.3l3.5-3.5M4 16.5h12",
  folder: "M3 15.5v-11h5l1.7 2H17v9z",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg
      width="20"
      height="20"
      viewBox="0 0 20 20"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.6"
      aria-hidden="true"
      focusable="false"
    >
      <path d={PATHS[name]} strokeLinecap="round" strokeLinejoin="round" fill={name === "stop" ? "currentColor" : "none"} />
    </svg>
  );
}
