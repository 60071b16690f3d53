/** The store, as the other machines see it. */
const url = process.env.TROUPE_URL_STORE_API;

/** Everything whose key begins with `prefix`, by the rest of its key. */
export async function list(prefix) {
  const items = await (await ask(`/items?prefix=${encodeURIComponent(prefix)}`)).json();
  return Object.entries(items).map(([key, value]) => ({ id: key.slice(prefix.length), ...value }));
}

export async function put(key, value) {
  await ask(`/items/${encodeURIComponent(key)}`, { method: "PUT", body: JSON.stringify(value) });
}

async function ask(path, options) {
  const response = await fetch(new URL(path, url), { ...options, signal: AbortSignal.timeout(5_000) });
  if (!response.ok) throw new Error(`${path} answered ${response.status}`);
  return response;
}
