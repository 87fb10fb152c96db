// One chunk for what is opened now and then.
export { ModelsDialog } from "./ModelsDialog";
export { SettingsDialog } from "./SettingsDialog";
