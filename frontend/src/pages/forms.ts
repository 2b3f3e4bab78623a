/** The named text fields of a form. */
export function valuesOf<Name extends string>(form: FormData, ...names: Name[]): Record<Name, string> {
  const read = (name: Name): [Name, string] => {
    const value = form.get(name);
    return [name, typeof value === 'string' ? value : ''];
  };
  return Object.fromEntries(names.map(read)) as Record<Name, string>;
}

const HOME = '/console/ads';

/** Where to go after logging in: a page of this console, never another site. */
export function pageToReturnTo(next: string | undefined): string {
  if (next === undefined) return HOME;
  const url = new URL(next, window.location.origin);
  const isOurs = url.origin === window.location.origin && url.pathname.startsWith('/console/');
  return isOurs ? url.pathname + url.search + url.hash : HOME;
}
