import { test } from "vitest";
import { Site } from "./site.ts";

/** A test with a site of its own. If it fails, what the site's servers logged is shown. */
export const scenario = test.extend<{ site: Site }>({
  site: async ({ onTestFailed }, use) => {
    await withSite(async (site) => {
      onTestFailed(() => void process.stderr.write(site.log));
      await use(site);
    });
  },
});

/** Clears the site when `work` is over, however that ends. */
export async function withSite<Result>(work: (site: Site) => Promise<Result>): Promise<Result> {
  const site = await Site.create();
  try {
    return await work(site);
  } finally {
    await site.clear();
  }
}
