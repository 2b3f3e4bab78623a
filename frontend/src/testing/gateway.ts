import { afterEach, beforeEach } from 'vitest';

import { api } from '../api/client';

type Answer = (request: Request) => Response | Promise<Response>;

/** Stands where the gateway is: `answers.by` decides, call by call. For the tests of one file. */
export function gatewayForTests(): { by: Answer; seen: Request[] } {
  const answers: { by: Answer; seen: Request[] } = { by: unexpected, seen: [] };
  const stand = {
    onRequest: async ({ request }: { request: Request }) => {
      answers.seen.push(request.clone());
      const response = await answers.by(request);
      return Object.defineProperty(response, 'url', { value: request.url });
    },
  };
  beforeEach(() => {
    answers.by = unexpected;
    answers.seen = [];
    api.use(stand);
  });
  afterEach(() => {
    api.eject(stand);
  });
  return answers;
}

export function refusal(status: number, code: string, message: string): Response {
  return Response.json({ error: { code, message }, message }, { status });
}

function unexpected(request: Request): Response {
  throw new Error(`No answer for ${request.url}`);
}
