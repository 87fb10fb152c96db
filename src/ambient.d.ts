// What the compiler cannot see by itself: WGSL imported as text, and the WebGPU flag namespaces that TypeScript's libraries leave out.
declare module "*.wgsl?raw" {
  const source: string;
  export default source;
}
declare module "*.module.css" {
  const classes: Readonly<Record<string, string>>;
  export default classes;
}
// After the line above: of two patterns that match, TypeScript takes the first, and this one has no types.
declare module "*.css";

/** Filled in by Vite. */
interface ImportMetaEnv {
  readonly PROD: boolean; // false in the development server, which has no service worker
}
interface ImportMeta {
  readonly env: ImportMetaEnv;
  /** All files that match, by path. */
  glob<T>(pattern: string, options: { readonly query: "?raw"; readonly import: "default"; readonly eager: true }): Record<string, T>;
}

declare const GPUBufferUsage: {
  readonly MAP_READ: number;
  readonly MAP_WRITE: number;
  readonly COPY_SRC: number;
  readonly COPY_DST: number;
  readonly STORAGE: number;
  readonly UNIFORM: number;
  readonly QUERY_RESOLVE: number;
};
declare const GPUMapMode: { readonly READ: number; readonly WRITE: number };
