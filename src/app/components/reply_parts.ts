// One chunk for what replies are shown with.
export { Markdown } from "./Markdown";
export { OriginLegend } from "./OriginLegend";
export { ReplyDetails } from "./ReplyDetails";
