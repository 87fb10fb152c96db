// One chunk for what replies are shown with.
export { Markdown } from "./Markdown";
export { OriginText } from "./OriginText";
export { ReplyDetails } from "./ReplyDetails";
