import createClient from 'openapi-fetch';

import { Problem, problemOf } from './problem';
import type { components, paths } from './schema';

export type Schema = components['schemas'];

const CUSTOMER_HEADER = 'x-customer-id';

let customerId: string | null = null;
let onSessionOver: () => void = () => undefined;

/** Name the customer whose data all further calls are about; null after logging out. */
export function callForCustomer(id: string | null): void {
  customerId = id;
}

/** Be told when the gateway says that nobody is logged in any more. */
export function whenSessionIsOver(tell: () => void): void {
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
 * @throws Problem what the gateway said, when it refused.
 */
export async function ok<T>(call: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await call;
  if (response.ok) return data as T;
  const problem = problemOf(response, error);
  if (isSessionOver(problem, response)) onSessionOver();
  throw problem;
}

// Who was not logged in has no session that could be over, and a refused login ends none.
function isSessionOver(problem: Problem, response: Response): boolean {
  const isLogin = new URL(response.url).pathname === '/auth/login';
  return problem.status === 401 && customerId !== null && !isLogin;
}
