/**
 * Meta's currencies without a smaller unit; every other has 100 minor units.
 * Source: https://developers.facebook.com/docs/marketing-api/currencies
 */
const WHOLE_UNIT_CURRENCIES = new Set([
  ...['CLP', 'COP', 'CRC', 'HUF', 'ISK', 'IDR', 'JPY', 'KRW', 'PYG', 'TWD', 'VND'],
]);

/** How many minor units make one unit of the currency. */
export function minorUnits(currency: string): number {
  return WHOLE_UNIT_CURRENCIES.has(currency.toUpperCase()) ? 1 : 100;
}

/** An amount in minor units as people write it, with the currency's code: "SEK 12.50". */
export function money(minor: number, currency: string): string {
  const units = minorUnits(currency);
  const digits = minor % units === 0 ? 0 : 2;
  const amount = (minor / units).toLocaleString('en', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  return `${currency} ${amount}`;
}
