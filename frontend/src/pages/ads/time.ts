const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A length of time as people read it: "0.3 s", "12 s", "4 min 5 s", "2 h 3 min". */
export function lengthOf(milliseconds: number): string {
  const ms = Math.max(0, milliseconds);
  return ms < 9_950 ? `${(ms / SECOND).toFixed(1)} s` : wholeLengthOf(ms);
}

/** The same without parts of a second, for what counts down. */
export function wholeLengthOf(milliseconds: number): string {
  const seconds = Math.round(milliseconds / SECOND);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return withRest(Math.floor(seconds / 60), 'min', seconds % 60, 's');
  const minutes = Math.round(seconds / 60);
  if (minutes < 24 * 60) return withRest(Math.floor(minutes / 60), 'h', minutes % 60, 'min');
  const hours = Math.round(minutes / 60);
  return withRest(Math.floor(hours / 24), 'd', hours % 24, 'h');
}

function withRest(whole: number, unit: string, rest: number, smaller: string): string {
  return rest === 0 ? `${whole} ${unit}` : `${whole} ${unit} ${rest} ${smaller}`;
}

/** From one moment to another; until now while there is no second one; null before the first. */
export function between(from: string | null, to: string | null, now: number): string | null {
  if (from === null) return null;
  return lengthOf((to === null ? now : Date.parse(to)) - Date.parse(from));
}

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });

/** "3 minutes ago"; the present minute is "just now". */
export function ago(moment: string, now: number): string {
  const passed = now - Date.parse(moment);
  if (passed < MINUTE) return 'just now';
  if (passed < HOUR) return relative.format(-Math.floor(passed / MINUTE), 'minute');
  if (passed < DAY) return relative.format(-Math.floor(passed / HOUR), 'hour');
  return relative.format(-Math.floor(passed / DAY), 'day');
}

const absolute = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  timeZoneName: 'short',
});

/** A moment in the reader's own time zone, which it names. */
export function clock(moment: string): string {
  return absolute.format(new Date(moment));
}

const timeOnly = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });

export function clockTime(moment: string): string {
  return timeOnly.format(new Date(moment));
}
