/**
 * The shop's page.
 *
 *     GET /                  products and orders
 *     POST /orders           orders what the form says, and goes back to the page
 *     GET /assets/NAME.svg   pictures that an installer drew
 *     GET /healthz           200
 */
import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { list, put } from "./store-client.mjs";

const assets = join(process.env.TROUPE_VOLUME_SHOP, "assets");
const HTML = { "content-type": "text/html; charset=utf-8" };

const escapeHtml = (value) => String(value).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

const productCard = ({ id, price }) => `
  <form method="post" action="/orders" class="card">
    <img src="/assets/${encodeURIComponent(id)}.svg" alt="" width="96" height="96">
    <h2>${escapeHtml(id)}</h2>
    <p>€ ${price.toFixed(2)}</p>
    <button name="product" value="${escapeHtml(id)}">Order</button>
  </form>`;

const orderRow = ({ product, at, bill }) => `
  <tr><td>${escapeHtml(new Date(at).toLocaleTimeString("en-GB"))}</td><td>${escapeHtml(product)}</td>
  <td>${bill ? `€ ${escapeHtml(bill.total)}` : "…"}</td><td><code>${bill ? escapeHtml(bill.number) : "with the worker"}</code></td></tr>`;

const page = (products, orders) => `<!doctype html>
<html lang="en">
<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>The shop</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; color: #2b2320; background: #faf6f1; max-width: 56rem; margin: 3rem auto; padding: 0 1rem }
  h1 { font-weight: 300; font-size: 2.5rem } h2 { margin: .5rem 0 0; font-size: 1.1rem; text-transform: capitalize } p { margin: 0 0 .75rem }
  .cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); gap: 1rem }
  .card { background: #fff; border-radius: 1rem; padding: 1.5rem; text-align: center; box-shadow: 0 1px 4px #0002 }
  button { font: inherit; border: 0; border-radius: 2rem; padding: .25rem 1.25rem; background: #2b2320; color: #fff; cursor: pointer }
  table { width: 100%; border-collapse: collapse } td { padding: .4rem 0; border-top: 1px solid #0001 }
</style>
<h1>The shop</h1>
<section class="cards">${products.map(productCard).join("")}</section>
<h1>Orders</h1>
<table>${orders.map(orderRow).join("") || "<tr><td>None yet: order something.</td></tr>"}</table>
</html>`;

async function answer(request) {
  const { pathname } = new URL(request.url, "http://web");
  if (pathname === "/healthz") return [200, { "content-type": "text/plain" }, "ok"];
  if (pathname === "/") {
    const [products, orders] = await Promise.all([list("products/"), list("orders/")]);
    const newestFirst = orders.sort((a, b) => b.at - a.at).slice(0, 20);
    return [200, HTML, page(products, newestFirst)];
  }
  if (pathname === "/orders" && request.method === "POST") {
    const product = new URLSearchParams(await text(request)).get("product");
    await put(`orders/${randomUUID()}`, { product, quantity: 1, at: Date.now() });
    console.log(`ordered ${product}`);
    return [303, { location: "/" }, ""];
  }
  const picture = /^\/assets\/([a-z]+\.svg)$/.exec(pathname)?.[1];
  if (picture) return [200, { "content-type": "image/svg+xml" }, await readFile(join(assets, picture))];
  return [404, HTML, "Nothing here"];
}

const server = createServer(async (request, response) => {
  const [status, headers, body] = await answer(request).catch((error) => {
    console.error(`${request.method} ${request.url} failed: ${error.message}`);
    return [502, HTML, "The shop is closed for a moment"];
  });
  response.writeHead(status, headers).end(body);
});

server.listen(process.env.PORT, "127.0.0.1", () => console.log(`listening on ${process.env.PORT}`));
process.once("SIGTERM", () => server.close(() => console.log("closed")));
