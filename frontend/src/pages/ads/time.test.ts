import { expect, test } from 'vitest';

import { ago, between, lengthOf, wholeLengthOf } from './time';

test.each([
  [-5, '0.0 s'],
  [286, '0.3 s'],
  [9_940, '9.9 s'],
  [9_960, '10 s'],
  [59_400, '59 s'],
  [60_000, '1 min'],
  [245_000, '4 min 5 s'],
  [3_599_900, '1 h'],
  [7_380_000, '2 h 3 min'],
  [90_000_000, '1 d 1 h'],
])('%d ms read as %s', (milliseconds, text) => {
  expect(lengthOf(milliseconds)).toBe(text);
});

test('what counts down shows whole seconds', () => {
  expect(wholeLengthOf(1_600)).toBe('2 s');
  expect(wholeLengthOf(61_000)).toBe('1 min 1 s');
});

const START = '2026-01-31T12:00:00.000Z';

test('a run that goes on has lasted until now, and one that has not begun has no duration', () => {
  const now = Date.parse('2026-01-31T12:00:30.000Z');
  expect(between(START, '2026-01-31T12:00:12.000Z', now)).toBe('12 s');
  expect(between(START, null, now)).toBe('30 s');
  expect(between(null, null, now)).toBeNull();
});

test.each([
  [20, 'just now'],
  [-20, 'just now'],
  [61, '1 minute ago'],
  [7_300, '2 hours ago'],
  [100_000, 'yesterday'],
  [300_000, '3 days ago'],
])('%d seconds later it was %s', (seconds, text) => {
  expect(ago(START, Date.parse(START) + seconds * 1000)).toBe(text);
});
