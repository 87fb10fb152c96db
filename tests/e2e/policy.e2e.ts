// The Content-Security-Policy from inside the worker, which takes it from a header, not from the page. Not watched like the other tests,
// because it does what they must not: it asks another origin.
import { expect, test } from "@playwright/test";
import { host } from "./host";

test("the worker's script carries the policy, and the browser keeps the worker from asking another origin", async ({ page }) => {
  const other = await host("/"); // answers, so nothing but the policy can stop the request
  try {
    const opening = page.waitForEvent("worker");
    await page.goto("./");
    const worker = await opening;
    const { headers, outside, inside } = await worker.evaluate(async (url) => {
      const came = (response: Response) => response.type;
      const refused = () => "refused";
      const own = await fetch(self.location.href);
      return {
        headers: own.headers.get("Content-Security-Policy"),
        outside: await fetch(url, { mode: "no-cors" }).then(came, refused),
        inside: own.type,
      };
    }, other.url);
    const pagePolicy = await page.locator("meta[http-equiv='Content-Security-Policy']").getAttribute("content");
    expect(headers).toBe(pagePolicy);
    expect(inside).toBe("basic");
    expect(outside).toBe("refused");
  } finally {
    await other.close();
  }
});
