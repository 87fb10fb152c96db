// Every line of WGSL in the project: what was measured or compiled with one version of it says nothing of another.
const files = import.meta.glob<string>("../../shaders/**/*.wgsl", { query: "?raw", import: "default", eager: true });

/** All shaders as one text, in an order that does not change. */
export const allShaders = JSON.stringify(Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1)));
