/** Which installer is meant: one version, or whatever is the latest. */
export interface InstallerKey {
  readonly id: string;
  readonly version: string | "latest";
}

/** Reads `id`, `id:version` or `id:latest`; `undefined` if it is none of them. */
export function parseKey(key: string): InstallerKey | undefined {
  const [id = "", version = "latest", ...rest] = key.split(":");
  return id === "" || version === "" || rest.length > 0 ? undefined : { id, version };
}

export function keyOf({ id, version }: InstallerKey): string {
  return `${id}:${version}`;
}
