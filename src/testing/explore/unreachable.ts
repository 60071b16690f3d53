export const unreachable: ReadonlyMap<string, string> = new Map();
