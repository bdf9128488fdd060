/**
 * Circles in a graph that go through some of its nodes: at least one wherever there are any.
 *
 * @returns the nodes of each circle in order, the first one of `starts`; from the last it goes back
 * to the first
 */
export function findCycles<Node>(
  starts: readonly Node[],
  next: (node: Node) => readonly Node[],
): Node[][] {
  const cycles: Node[][] = [];
  const done = new Set<Node>();
  for (const start of starts) {
    if (done.has(start)) continue;
    // The way from `start`, each node with those after it that are still to be seen. No recursion:
    // a file can hold a chain of thousands.
    const way = [{ node: start, rest: [...next(start)] }];
    const onWay = new Set([start]);
    for (let last = way.at(-1); last !== undefined; last = way.at(-1)) {
      const after = last.rest.shift();
      if (after === undefined) {
        way.pop();
        onWay.delete(last.node);
        done.add(last.node);
      } else if (onWay.has(after)) {
        const nodes = way.map(({ node }) => node);
        cycles.push(nodes.slice(nodes.indexOf(after)));
      } else if (!done.has(after)) {
        way.push({ node: after, rest: [...next(after)] });
        onWay.add(after);
      }
    }
  }
  return cycles.flatMap((cycle) => {
    const first = cycle.findIndex((node) => starts.includes(node));
    return first < 0 ? [] : [[...cycle.slice(first), ...cycle.slice(0, first)]];
  });
}
