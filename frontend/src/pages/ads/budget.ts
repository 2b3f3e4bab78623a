import { minorUnits, money } from '../../money';

/** Meta counts budgets per day in minor units; people here set them per month in major units. */
const DAYS_PER_MONTH = 30;

/** What Meta gets for a month's budget: the nearest minor unit, at least one; in major units. */
export function perDay(monthly: number, currency: string): number {
  return perDayMinor(monthly, currency) / minorUnits(currency);
}

function perDayMinor(monthly: number, currency: string): number {
  return Math.max(1, Math.round((monthly * minorUnits(currency)) / DAYS_PER_MONTH));
}

/** The least monthly budget of an ad account, from its least daily budget in minor units. */
export function leastMonthly(minDailyMinor: number, currency: string): number {
  return (minDailyMinor * DAYS_PER_MONTH) / minorUnits(currency);
}

/** Whether Meta would find the daily part of this budget too small. */
export function isBelowMinimum(
  monthly: number,
  currency: string,
  minDailyMinor: number | null | undefined,
): boolean {
  if (minDailyMinor === null || minDailyMinor === undefined) return false;
  return perDayMinor(monthly, currency) < minDailyMinor;
}

/** An amount in major units, written with its currency's code. */
export function amountOf(major: number, currency: string): string {
  return money(Math.round(major * minorUnits(currency)), currency);
}
