import { expect, test } from 'vitest';

import { asProblem, Problem, problemOf } from './problem';

const answer = (status: number, headers: Record<string, string> = {}) =>
  new Response(null, { status, headers });

test('the shape of /meta and /ads is read', () => {
  const problem = problemOf(answer(400), {
    error: 'MISSING_PREREQUISITE',
    message: 'No Meta connection found',
    hint: 'Connect your Meta account in Settings first.',
  });
  expect(problem).toMatchObject({
    status: 400,
    code: 'MISSING_PREREQUISITE',
    message: 'No Meta connection found',
    hint: 'Connect your Meta account in Settings first.',
  });
});

test('the nested shape of /auth is read, hint or not', () => {
  const problem = problemOf(answer(401), {
    error: { code: 'UNAUTHORIZED', message: 'Invalid email or password' },
    message: 'Invalid email or password',
  });
  expect(problem).toMatchObject({ code: 'UNAUTHORIZED', message: 'Invalid email or password', hint: null });
});

test('how long to wait is read from Retry-After, and only a number of seconds', () => {
  const body = { error: 'RATE_LIMITED', message: 'Too many failed logins' };
  expect(problemOf(answer(429, { 'retry-after': '30' }), body).retryAfterSeconds).toBe(30);
  expect(problemOf(answer(429, { 'retry-after': 'soon' }), body).retryAfterSeconds).toBeNull();
  expect(problemOf(answer(429), body).retryAfterSeconds).toBeNull();
});

test.each([[undefined], ['<html>Bad Gateway</html>'], [null], [{ message: 7 }]])(
  'an answer in neither shape still has words and a way out: %j',
  (body) => {
    const problem = problemOf(answer(502), body);
    expect(problem.code).toBe('UNREADABLE');
    expect(problem.message).not.toBe('');
    expect(problem.hint).not.toBeNull();
  },
);

test('a mistake in the page is not blamed on the network', () => {
  expect(asProblem(new RangeError('x')).code).toBe('BROKEN');
  const refused = new Problem({ status: 400, code: 'CONFLICT', message: 'No' });
  expect(asProblem(refused)).toBe(refused);
});
