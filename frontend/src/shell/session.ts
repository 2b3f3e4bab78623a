import { QueryCache, QueryClient } from '@tanstack/react-query';

import { callForCustomer } from '../api/client';
import { Problem } from '../api/problem';
import { me } from '../api/queries';

const ATTEMPTS = 3;

/** Reads are tried again when the server was not reached or could not answer; a refusal is final. */
function isWorthAnotherTry(failures: number, error: unknown): boolean {
  const refused = error instanceof Problem && error.status >= 400 && error.status < 500;
  return !refused && failures < ATTEMPTS;
}

export const queryClient = new QueryClient({
  queryCache: new QueryCache(),
  defaultOptions: { queries: { retry: isWorthAnotherTry, staleTime: 2_000 } },
});

/** Nobody is logged in: drop every answer, it was somebody's. */
export function forgetCustomer(): void {
  callForCustomer(null);
  queryClient.clear();
  queryClient.setQueryData(me.queryKey, null);
}
