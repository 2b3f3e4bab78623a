import { expect, test } from 'vitest';

import { minorUnits, money } from './money';

test.each([
  [1050, 'SEK', 'SEK 10.50'],
  [300000, 'USD', 'USD 3,000'],
  [155, 'JPY', 'JPY 155'],
  [5, 'EUR', 'EUR 0.05'],
])('%d of %s is %s', (minor, currency, text) => {
  expect(money(minor, currency)).toBe(text);
});

test('Meta counts forints whole, unlike most of the world', () => {
  expect(minorUnits('huf')).toBe(1);
  expect(minorUnits('SEK')).toBe(100);
});
