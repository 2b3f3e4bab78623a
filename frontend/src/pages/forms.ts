/** The named text fields of a form. */
export function valuesOf<Name extends string>(form: FormData, ...names: Name[]): Record<Name, string> {
  const read = (name: Name): [Name, string] => {
    const value = form.get(name);
    return [name, typeof value === 'string' ? value : ''];
  };
  return Object.fromEntries(names.map(read)) as Record<Name, string>;
}

const HOME = '/console/ads';
const SETTINGS = '/console/settings';

/** Where to go after logging in: a page of this console, never another site. */
export function pageToReturnTo(next: string | undefined, error?: string): string {
  // Only Meta's way back leads to the log-in page with an error and no page: connecting was broken off.
  const home = error === undefined ? HOME : SETTINGS;
  if (next === undefined) return home;
  const url = new URL(next, window.location.origin);
  const isOurs = url.origin === window.location.origin && url.pathname.startsWith('/console/');
  return isOurs ? url.pathname + url.search + url.hash : home;
}

/** The token of a mailed link, from `#token=…`. */
export function tokenIn(hash: string): string | null {
  const token = new URLSearchParams(hash.replace(/^#/, '')).get('token');
  return token === null || token === '' ? null : token;
}
