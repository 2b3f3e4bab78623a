import type { Schema } from '../../api/client';
import { money } from '../../money';
import { settings } from '../../texts/settings';

const texts = settings.accounts;

export type AdAccount = Schema['AdAccount'];

export function nameOf(account: AdAccount): string {
  return account.name ?? texts.unnamed;
}

/** Id, currency, status and the least daily budget, as far as Meta tells. */
export function factsOf(account: AdAccount): string {
  const { id, currency, account_status: status, minDailyBudget: minimum } = account;
  return [
    id,
    currency,
    typeof status === 'number' ? (texts.status[status] ?? texts.unknownStatus(status)) : null,
    typeof minimum === 'number' && typeof currency === 'string'
      ? texts.minimum(money(minimum, currency))
      : null,
  ]
    .filter((fact) => typeof fact === 'string')
    .join(' · ');
}

/** Why no campaign can be made in this account and what to do about it; null when one can. */
export function refusalOf(account: AdAccount): { reason: string; wayOut: string } | null {
  // An older gateway does not say; then the gateway decides when the selection is saved.
  if (account.selectable !== false) return null;
  return {
    reason: account.reason ?? texts.unknownReason,
    wayOut: texts.wayOut[account.account_status ?? 0] ?? texts.otherWayOut,
  };
}

/** Whether every word of the search is in the account's name, id or currency. */
export function matches(account: AdAccount, search: string): boolean {
  const text = [account.name, account.id, account.currency].join(' ').toLowerCase();
  return search
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}
