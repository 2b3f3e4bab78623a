/** Meta counts budgets per day in minor units; people here set them per month in major units. */
const DAYS_PER_MONTH = 30;

// Meta's currencies without minor units; a wrong factor would show a budget 100 times off.
// https://developers.facebook.com/docs/marketing-api/currencies
const WHOLE_UNITS = new Set(['CLP', 'COP', 'CRC', 'HUF', 'ISK', 'IDR', 'JPY', 'KRW', 'PYG', 'TWD', 'VND']);

export function minorUnits(currency: string): number {
  return WHOLE_UNITS.has(currency.toUpperCase()) ? 1 : 100;
}

/** What Meta gets for a month's budget: the nearest minor unit, at least one; in major units. */
export function perDay(monthly: number, currency: string): number {
  const minor = minorUnits(currency);
  return Math.max(1, Math.round((monthly * minor) / DAYS_PER_MONTH)) / minor;
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
  return perDay(monthly, currency) * minorUnits(currency) < minDailyMinor;
}

/** An amount with its currency's code, which unlike "kr" or "$" is clear everywhere. */
export function money(amount: number, currency: string): string {
  try {
    return new Intl.NumberFormat('en', {
      style: 'currency',
      currency,
      currencyDisplay: 'code',
      minimumFractionDigits: 0,
      maximumFractionDigits: minorUnits(currency) === 1 ? 0 : 2,
      ...(Number.isInteger(amount) || minorUnits(currency) === 1 ? {} : { minimumFractionDigits: 2 }),
    }).format(amount);
  } catch {
    return `${currency} ${amount}`;
  }
}
