import { type AsyncRouteComponent, lazyRouteComponent } from '@tanstack/react-router';

import { unreachable } from '../api/problem';
import { tellReachable } from '../api/reachability';

/**
 * A page in a file of its own, fetched when it is needed.
 *
 * A file that is not to be had was replaced by an update, and the router then loads the console anew. Not so
 * when nothing is to be had: that would trade a page that says so for the browser's own.
 */
export function page<Name extends string, Component>(
  load: () => Promise<Record<Name, Component>>,
  name: Name,
): AsyncRouteComponent<object> {
  const fetched = () =>
    load().catch(async (error: unknown) => {
      if (await answers()) throw error;
      tellReachable(false);
      throw unreachable();
    });
  return lazyRouteComponent(fetched as () => Promise<Record<Name, () => null>>, name);
}

async function answers(): Promise<boolean> {
  try {
    return (await fetch('/health/live')).ok;
  } catch {
    return false;
  }
}
