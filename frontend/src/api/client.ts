import createClient from 'openapi-fetch';

import { Problem, problemOf, unreachable } from './problem';
import { tellReachable } from './reachability';
import type { components, paths } from './schema';

export type Schema = components['schemas'];
export type SessionEnd = 'session_expired' | 'session_changed';

const CUSTOMER_HEADER = 'x-customer-id';
const OTHER_CUSTOMER = 'Session customerId does not match x-customer-id header';

let customerId: string | null = null;
let onSessionOver: (why: SessionEnd) => void = () => undefined;

/** Name the customer whose data all further calls are about; null after logging out. */
export function callForCustomer(id: string | null): void {
  customerId = id;
}

/** Be told when the session that this page works in is over, or is somebody else's now. */
export function whenSessionIsOver(tell: (why: SessionEnd) => void): void {
  onSessionOver = tell;
}

/** The gateway's HTTP contract, typed by its OpenAPI document. Relative: the gateway serves this page. */
export const api = createClient<paths>({ baseUrl: window.location.origin, credentials: 'include' });

api.use({
  onRequest({ request }) {
    if (customerId !== null) request.headers.set(CUSTOMER_HEADER, customerId);
    return request;
  },
});

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/**
 * The body of an answer.
 *
 * @throws Problem what the gateway said, when it refused, or that it could not be reached.
 */
export async function ok<T>(call: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await reached(call);
  tellReachable(response.status < 500 || isOwnWord(error));
  if (response.ok) return data as T;
  const problem = problemOf(response, error);
  const end = sessionEnd(problem, response);
  if (end !== null) onSessionOver(end);
  throw problem;
}

async function reached<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // fetch's way to say "no answer"
    tellReachable(false);
    throw unreachable();
  }
}

// A proxy in front of a gateway that is down answers 502, with words of its own.
function isOwnWord(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'message' in error;
}

// Who was not logged in has no session that could be over, and a refused login ends none.
function sessionEnd(problem: Problem, response: Response): SessionEnd | null {
  if (customerId === null || response.url.endsWith('/auth/login')) return null;
  if (problem.status === 401) return 'session_expired';
  return problem.status === 403 && problem.message === OTHER_CUSTOMER ? 'session_changed' : null;
}
