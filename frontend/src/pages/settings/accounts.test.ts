import { expect, test } from 'vitest';

import { settings } from '../../texts/settings';
import { factsOf, matches, nameOf, refusalOf } from './accounts';

const bakery = {
  id: 'act_101500000000001',
  name: 'Lindqvist Bageri',
  account_status: 1,
  currency: 'SEK',
  selectable: true,
  minDailyBudget: 1050,
};

test('an account is told by id, currency, status and least budget', () => {
  expect(factsOf(bakery)).toBe('act_101500000000001 · SEK · Active · minimum SEK 10.50 a day');
});

test('a currency without minor units is not divided', () => {
  expect(factsOf({ ...bakery, currency: 'JPY', minDailyBudget: 155 })).toContain('minimum JPY 155 a day');
});

test('what Meta does not tell is left out', () => {
  expect(factsOf({ id: 'act_7' })).toBe('act_7');
  expect(nameOf({ id: 'act_7' })).toBe(settings.accounts.unnamed);
});

test('a status that we have no word for is still told', () => {
  expect(factsOf({ ...bakery, account_status: 77 })).toContain('Status 77');
});

test('a disabled account says why, and what its owner can do', () => {
  const refusal = refusalOf({
    ...bakery,
    account_status: 2,
    selectable: false,
    reason: 'This ad account is disabled',
  });
  expect(refusal?.reason).toBe('This ad account is disabled');
  expect(refusal?.wayOut).toContain('Account Quality');
});

test('a read-only role in a healthy account leads to its admin', () => {
  const refusal = refusalOf({
    ...bakery,
    selectable: false,
    reason: 'Your role in this ad account is read-only',
  });
  expect(refusal?.wayOut).toContain('admin');
});

test('a refusal without a reason still has words', () => {
  expect(refusalOf({ id: 'act_7', selectable: false })?.reason).toBe(settings.accounts.unknownReason);
});

test('an account can be chosen unless the gateway says no', () => {
  expect(refusalOf(bakery)).toBeNull();
  expect(refusalOf({ id: 'act_7' })).toBeNull();
});

test('the search finds each word in name, id or currency, in any case and order', () => {
  expect(matches(bakery, 'sek BAGERI')).toBe(true);
  expect(matches(bakery, '0001')).toBe(true);
  expect(matches(bakery, ' ')).toBe(true);
  expect(matches(bakery, 'bageri usd')).toBe(false);
});
