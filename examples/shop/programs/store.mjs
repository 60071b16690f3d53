/**
 * A key-value store over HTTP, kept in one file of the shared volume.
 *
 *     GET /items?prefix=orders/   200 {key: value, …}
 *     GET /items/KEY              200 value, 404
 *     PUT /items/KEY  value       204
 *     GET /healthz                200 once there are products, 503 before
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";

const volume = process.env.TROUPE_VOLUME_SHOP;
const file = join(volume, "store.json");
const MAX_BODY_BYTES = 64 * 1024;

const items = new Map(existsSync(file) ? Object.entries(JSON.parse(readFileSync(file, "utf8"))) : []);

/** Written aside and moved: a crash leaves the old file or the new one. */
function save() {
  writeFileSync(`${file}.new`, JSON.stringify(Object.fromEntries(items), null, 2));
  renameSync(`${file}.new`, file);
}

const hasProducts = () => [...items.keys()].some((key) => key.startsWith("products/"));

/** The products come from an installer, which runs after this program has started: looked for until they are there. */
function takeInProducts() {
  const seed = join(volume, "products.csv");
  if (hasProducts() || !existsSync(seed)) return;
  for (const line of readFileSync(seed, "utf8").trim().split("\n")) {
    const [name, price] = line.split(",");
    items.set(`products/${name}`, { price: Number(price) });
  }
  save();
  console.log(`took in the products of ${seed}`);
}

async function body(request) {
  let text = "";
  for await (const chunk of request.setEncoding("utf8")) {
    text += chunk;
    if (text.length > MAX_BODY_BYTES) throw new RangeError(`more than ${MAX_BODY_BYTES} characters`);
  }
  return JSON.parse(text);
}

async function answer(request) {
  const { pathname, searchParams } = new URL(request.url, "http://store");
  if (pathname === "/healthz") {
    takeInProducts();
    return hasProducts() ? [200, "ok"] : [503, "no products yet"];
  }
  if (pathname === "/items") {
    const prefix = searchParams.get("prefix") ?? "";
    return [200, Object.fromEntries([...items].filter(([key]) => key.startsWith(prefix)))];
  }
  const key = decodeURIComponent(pathname.replace("/items/", ""));
  if (request.method === "PUT") {
    items.set(key, await body(request));
    save();
    console.log(`put ${key}`);
    return [204];
  }
  return items.has(key) ? [200, items.get(key)] : [404, `no ${key}`];
}

const server = createServer(async (request, response) => {
  const [status, value] = await answer(request).catch((error) => [400, error.message]);
  response.writeHead(status, { "content-type": "application/json" });
  response.end(value === undefined ? undefined : JSON.stringify(value));
});

server.listen(process.env.PORT, "127.0.0.1", () => console.log(`listening on ${process.env.PORT}`));
process.once("SIGTERM", () => server.close(() => console.log("closed")));
