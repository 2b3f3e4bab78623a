import type { ReactNode } from 'react';

type Fact = readonly [name: string, value: ReactNode];

/** Only the facts that are known. */
export function known(facts: readonly Fact[]): Fact[] {
  return facts.filter(([, value]) => value !== null);
}
