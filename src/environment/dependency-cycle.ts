/** The first cycle in a graph, from a name back to the same name; `undefined` if there is none. Names that are no node are passed over. */
export function dependencyCycle(graph: ReadonlyMap<string, readonly string[]>): readonly string[] | undefined {
  const finished = new Set<string>();

  function visit(name: string, trail: readonly string[]): readonly string[] | undefined {
    if (trail.includes(name)) return [...trail.slice(trail.indexOf(name)), name];
    if (finished.has(name)) return undefined;
    for (const next of graph.get(name) ?? []) {
      const cycle = visit(next, [...trail, name]);
      if (cycle !== undefined) return cycle;
    }
    finished.add(name);
    return undefined;
  }

  for (const name of graph.keys()) {
    const cycle = visit(name, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}
