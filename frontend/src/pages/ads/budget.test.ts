import { describe, expect, test } from 'vitest';

import { amountOf, isBelowMinimum, leastMonthly, perDay } from './budget';

describe('a monthly budget', () => {
  test.each([
    [3000, 'SEK', 100],
    [200, 'SEK', 6.67],
    [100, 'USD', 3.33],
    [3000, 'JPY', 100],
    [3014, 'JPY', 100],
    [3015, 'JPY', 101],
    [0.01, 'SEK', 0.01],
  ])('of %d %s is %d a day', (monthly, currency, daily) => {
    expect(perDay(monthly, currency)).toBe(daily);
  });

  test('is compared with the minimum as Meta counts it, by the rounded day', () => {
    expect(isBelowMinimum(315, 'SEK', 1050)).toBe(false);
    expect(isBelowMinimum(314.9, 'SEK', 1050)).toBe(false);
    expect(isBelowMinimum(314.8, 'SEK', 1050)).toBe(true);
    // 34.5 / 30 * 100 is 114.99999999999999 in floating point
    expect(isBelowMinimum(34.5, 'USD', 115)).toBe(false);
    expect(isBelowMinimum(4649, 'JPY', 155)).toBe(false);
    expect(isBelowMinimum(4600, 'JPY', 155)).toBe(true);
  });

  test('is never below a minimum that nobody knows', () => {
    expect(isBelowMinimum(1, 'SEK', null)).toBe(false);
    expect(isBelowMinimum(1, 'SEK', undefined)).toBe(false);
  });
});

test('the least month is thirty least days, in major units', () => {
  expect(leastMonthly(1050, 'SEK')).toBe(315);
  expect(leastMonthly(155, 'JPY')).toBe(4650);
});

test('amounts carry the code of their currency and only as many decimals as it has', () => {
  expect(amountOf(3000, 'SEK')).toBe('SEK 3,000');
  expect(amountOf(6.67, 'SEK')).toBe('SEK 6.67');
  expect(amountOf(1.15, 'USD')).toBe('USD 1.15');
  expect(amountOf(4650, 'JPY')).toBe('JPY 4,650');
});
