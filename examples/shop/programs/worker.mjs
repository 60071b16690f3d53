/** Takes the orders that are not billed yet, works out their bills, and writes them to the store. */
import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { list, put } from "./store-client.mjs";

const POLL_MS = 500;
const VAT = 0.19;

const stop = new AbortController();
process.once("SIGTERM", () => stop.abort());

async function billAll() {
  const orders = (await list("orders/")).filter((order) => order.bill === undefined);
  if (orders.length === 0) return;

  const prices = new Map((await list("products/")).map(({ id, price }) => [id, price]));
  for (const { id, ...order } of orders) {
    const bill = billOf(id, order, prices.get(order.product) ?? 0);
    await put(`orders/${id}`, { ...order, bill });
    console.log(`billed order ${id}: ${bill.total} (${bill.number})`);
  }
}

function billOf(id, { quantity }, price) {
  const net = price * quantity;
  const number = createHash("sha256").update(`${id} ${net}`).digest("hex").slice(0, 8);
  return { number, net: net.toFixed(2), total: (net * (1 + VAT)).toFixed(2) };
}

console.log("waiting for orders");
while (!stop.signal.aborted) {
  await billAll().catch((error) => console.error(`could not bill: ${error.message}`));
  await sleep(POLL_MS, undefined, { signal: stop.signal }).catch(() => {});
}
console.log("done");
