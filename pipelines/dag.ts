/** Orders stages so that each runs after what it reads; the same input gives the same order. */

export interface DagNode {
  name: string;
  dependsOn: readonly string[];
}

export type DagResult = { ok: true; levels: string[][] } | { ok: false; cycle: string[] };

/** A cycle as a path that ends where it began, found among nodes that all wait for each other. */
function findCycle(nodes: ReadonlyMap<string, DagNode>): string[] {
  const path: string[] = [];
  let name = [...nodes.keys()].sort()[0] as string;
  while (!path.includes(name)) {
    path.push(name);
    name = (nodes.get(name)?.dependsOn ?? []).find((dependency) => nodes.has(dependency)) as string;
  }
  return [...path.slice(path.indexOf(name)), name];
}

/** Levels of nodes: a node stands in the first level after all it depends on. Unknown dependencies are ignored. */
export function topologicalLevels(nodes: readonly DagNode[]): DagResult {
  const waiting = new Map(nodes.map((node) => [node.name, node]));
  const levels: string[][] = [];
  while (waiting.size > 0) {
    const level = [...waiting.values()]
      .filter((node) => node.dependsOn.every((dependency) => !waiting.has(dependency)))
      .map((node) => node.name)
      .sort();
    if (level.length === 0) return { ok: false, cycle: findCycle(waiting) };
    for (const name of level) waiting.delete(name);
    levels.push(level);
  }
  return { ok: true, levels };
}
