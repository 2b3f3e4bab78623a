let reachable = true;
const listeners = new Set<() => void>();

/** Every call tells whether the gateway answered it. */
export function tellReachable(now: boolean): void {
  if (now === reachable) return;
  reachable = now;
  for (const listener of listeners) listener();
}

export function isReachable(): boolean {
  return reachable;
}

/** Be told of changes; returns how to stop that. */
export function whenReachabilityChanges(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
