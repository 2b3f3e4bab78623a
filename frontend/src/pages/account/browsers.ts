import { account } from '../../texts/account';

// Browsers name others to be served like them: the first that fits is the one.
const BROWSERS: readonly (readonly [RegExp, string])[] = [
  [/Edg\w*\/(\d+)/, 'Edge'],
  [/OPR\/(\d+)/, 'Opera'],
  [/Firefox\/(\d+)/, 'Firefox'],
  [/FxiOS\/(\d+)/, 'Firefox'],
  [/(?:Chrome|CriOS)\/(\d+)/, 'Chrome'],
  [/Version\/(\d+).*Safari/, 'Safari'],
];
const SYSTEMS: readonly (readonly [RegExp, string])[] = [
  [/Android/, 'Android'],
  [/iPhone|iPad/, 'iOS'],
  [/Windows/, 'Windows'],
  [/Mac OS X/, 'macOS'],
  [/Linux/, 'Linux'],
];
const LONGEST = 40;

/** A browser's user agent as people know it: "Firefox 145 on Linux". */
export function browserOf(userAgent: string | null): string {
  if (userAgent === null || userAgent === '') return account.sessions.unknown;
  const system = SYSTEMS.find(([pattern]) => pattern.test(userAgent))?.[1];
  for (const [pattern, name] of BROWSERS) {
    const version = pattern.exec(userAgent)?.[1];
    if (version === undefined) continue;
    const browser = `${name} ${version}`;
    return system === undefined ? browser : account.sessions.on(browser, system);
  }
  return userAgent.slice(0, LONGEST);
}
