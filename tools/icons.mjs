// Draws the PNG icons in public/icons from gyre.svg with the Chromium at hand. Run by hand when the mark changes: node tools/icons.mjs
import { readFile, writeFile } from "node:fs/promises";
import { chromium } from "@playwright/test";

const icons = new URL("../public/icons/", import.meta.url);
const svg = await readFile(new URL("gyre.svg", icons), "utf8");
const square = svg.replace(' rx="14"', ""); // a maskable icon is cut to shape by the system, and keeps its middle 80 %
const browser = await chromium.launch({ executablePath: process.env.GYRE_CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
try {
  for (const [name, size, source] of [
    ["gyre-192.png", 192, svg],
    ["gyre-512.png", 512, svg],
    ["gyre-maskable-512.png", 512, square],
  ]) {
    const page = await browser.newPage({ viewport: { width: size, height: size } });
    await page.setContent(`<style>body{margin:0}svg{display:block;width:${size}px;height:${size}px}</style>${source}`);
    await writeFile(new URL(name, icons), await page.screenshot({ omitBackground: true }));
    await page.close();
  }
} finally {
  await browser.close();
}
