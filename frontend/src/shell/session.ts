import { QueryClient } from '@tanstack/react-query';
import type { AnyRouter } from '@tanstack/react-router';

import { callForCustomer, type SessionEnd } from '../api/client';
import { Problem } from '../api/problem';
import { me } from '../api/queries';
import { dropSignIn, noteSignIn } from '../api/signIn';
import { keepDrafts, keepOnlyDraftsOf } from './drafts';

const ATTEMPTS = 3;

/** Reads are tried again when the server was not reached or could not answer; a refusal is final. */
function isWorthAnotherTry(failures: number, error: unknown): boolean {
  const refused = error instanceof Problem && error.status >= 400 && error.status < 500;
  return !refused && failures < ATTEMPTS;
}

// 'always': a call without network shall fail and say so. Paused, a publish would be sent much later.
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: { retry: isWorthAnotherTry, staleTime: 2_000, networkMode: 'always' },
    mutations: { networkMode: 'always' },
  },
});

/** After logging in or signing up: learn who that is. */
export async function enter(): Promise<void> {
  noteSignIn();
  const found = await queryClient.query({ ...me, staleTime: 0 });
  keepOnlyDraftsOf(found?.customerId ?? null);
}

/** Nobody is logged in: drop every answer, it was somebody's. */
export function forgetCustomer(): void {
  dropSignIn();
  callForCustomer(null);
  queryClient.clear();
  queryClient.setQueryData(me.queryKey, null);
}

/** The session ended under the page: to the log-in page, which leads back to where one was. */
export function leaveForLogin(router: AnyRouter, why: SessionEnd): void {
  const customer = queryClient.getQueryData(me.queryKey);
  if (customer) keepDrafts(customer.customerId);
  forgetCustomer();
  if (why === 'session_changed') noteSignIn(); // somebody else's session goes on
  const next = (router.state.location as { publicHref: string }).publicHref;
  void router.navigate({ to: '/login', search: { error: why, next } });
}
